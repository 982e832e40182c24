# `bench` with its inventory, and the programs that go with it.
{
  pkgs,
  inventory,
  revision,
  packages,
}:
let
  inherit (pkgs) lib;
  wrapped = pkgs.writeShellApplication {
    name = "bench";
    text = ''
      export BENCH_INVENTORY="''${BENCH_INVENTORY:-${inventory}}"
      export BENCH_REVISION="''${BENCH_REVISION:-${revision}}"
      exec ${lib.getExe packages.bench} "$@"
    '';
  };
in
pkgs.symlinkJoin {
  name = "bench-lab-${packages.bench.version}";
  paths = [
    packages.bench
    packages.k6
  ];
  postBuild = "ln -sf ${lib.getExe wrapped} $out/bin/bench";
  passthru = { inherit inventory revision; };
  meta = {
    description = "bench with everything it starts: Postgres, k6 and the services";
    mainProgram = "bench";
    platforms = lib.platforms.linux;
  };
}

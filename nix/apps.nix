{
  pkgs,
  modes,
  packages,
  lab,
  tests,
  revision,
}:
let
  inherit (pkgs) lib;
  app = description: package: {
    type = "app";
    program = lib.getExe package;
    meta = { inherit description; };
  };
  script =
    name: text:
    pkgs.writeShellApplication {
      inherit name text;
    };

  inMachine =
    mode:
    script "bench-${mode}" ''
      mode=${lib.escapeShellArg mode}
      cpus=${toString (modes.cpusOf mode)}
      bench=${lib.getExe lab}
      driver=${tests.benches.${mode}.driver}/bin/nixos-test-driver
      export BENCH_REVISION=${lib.escapeShellArg revision}
      ${builtins.readFile ./vm-app.sh}
    '';

  images = script "images" ''
    engine=''${CONTAINER_ENGINE:-}
    for candidate in docker podman; do
      [ -n "$engine" ] || ! command -v "$candidate" >/dev/null || engine=$candidate
    done
    : "''${engine:?neither docker nor podman is on PATH: install one, or name a program in CONTAINER_ENGINE}"
    ${lib.concatMapStringsSep "\n" (name: "${packages.${name}} | \"$engine\" load") (
      lib.filter (lib.hasPrefix "image-") (lib.attrNames packages)
    )}
  '';
in
lib.listToAttrs (
  map (
    mode:
    lib.nameValuePair "bench-${mode}" (
      app "Compare all services in mode ${mode}, in a machine of its own (-- --native: on this host)" (
        inMachine mode
      )
    )
  ) modes.names
)
// {
  default = app "bench: run, doctor, contract, up, validate (--help)" lab;
  bench = app "bench: run, doctor, contract, up, validate (--help)" lab;
  analyze = app "Judge results in depth: analyze results/" packages.analyze;
  contract = app "Check every answer of the services against the contract" (
    script "bench-contract" ''exec ${lib.getExe lab} contract "$@"''
  );
  doctor = app "Say whether this machine can keep the comparison fair" (
    script "bench-doctor" ''exec ${lib.getExe lab} doctor "$@"''
  );
  images = app "Load all images into docker or podman" images;
}

# The VM tests: one smoke test a mode, one with separate machines, and the long runs behind `nix run .#bench-…`.
{
  pkgs,
  modes,
  modules,
  packages,
  lab,
  targets,
}:
let
  inherit (pkgs) lib;
  common = import ./common.nix {
    inherit
      pkgs
      modes
      modules
      packages
      lab
      targets
      ;
  };
  run = test: pkgs.testers.runNixOSTest test;
in
{
  single = run (import ./single.nix common);
  multi = run (import ./multi.nix common);
  three-machines = run (import ./three-machines.nix common);
  benches = lib.genAttrs modes.names (mode: run (common.bench mode));
}

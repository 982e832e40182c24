# The modules. `labs`: nix/default.nix of each system, for the programs.
{ lib, labs }:
let
  shared = {
    inherit labs;
    modes = import ../nix/modes.nix { inherit lib; };
  };
in
{
  bench-postgres = import ./postgres.nix shared;
  bench-api = import ./api.nix shared;
  bench-lab = import ./lab.nix shared;
}

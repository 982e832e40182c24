# Everything the flake offers for one system.
{ self, pkgs }:
let
  inherit (pkgs) lib;
  # A tree with changes has no revision of its own.
  revision = self.rev or self.dirtyRev or "dirty";
  modes = import ./modes.nix { inherit lib; };
  sources = import ./sources.nix { inherit lib; };
  packages = import ./packages.nix { inherit pkgs modes sources; };
  targets = import ./targets.nix { inherit lib packages modes; };
  inventory = import ./inventory.nix {
    inherit
      pkgs
      modes
      packages
      targets
      ;
  };
  lab = import ./lab.nix {
    inherit
      pkgs
      inventory
      revision
      packages
      ;
  };
  seed = import ./seed.nix { inherit pkgs modes packages; };
  images = import ./images.nix {
    inherit
      pkgs
      modes
      packages
      targets
      seed
      revision
      ;
  };
  modules = import ../nixos {
    inherit lib;
    labs.${pkgs.stdenv.hostPlatform.system} = result;
  };
  tests = import ../nixos/tests {
    inherit
      pkgs
      modes
      modules
      packages
      lab
      targets
      ;
  };
  result = {
    inherit
      modes
      targets
      inventory
      seed
      tests
      ;
    packages =
      packages
      // images
      // {
        inherit lab inventory;
        default = lab;
      };
    apps = import ./apps.nix {
      inherit
        pkgs
        modes
        lab
        tests
        revision
        ;
      packages = packages // images;
    };
    checks = import ./checks.nix {
      inherit
        pkgs
        packages
        sources
        tests
        inventory
        ;
    };
    devShells = import ./shell.nix { inherit pkgs packages lab; };
    formatter = pkgs.nixfmt-tree;
  };
in
result

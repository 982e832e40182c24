{
  description = "Fair, interleaved, observed load tests of API services";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      labs = lib.genAttrs systems (
        system:
        import ./nix {
          inherit self;
          pkgs = nixpkgs.legacyPackages.${system};
        }
      );
      of = name: lib.mapAttrs (_: lab: lab.${name}) labs;
    in
    {
      packages = of "packages";
      apps = of "apps";
      checks = of "checks";
      devShells = of "devShells";
      formatter = of "formatter";
      nixosModules = import ./nixos { inherit lib labs; };
    };
}

# A stand-in for nixpkgs: our own code, for tests only. It has what this flake uses, each builder takes only the
# arguments that the real one has (read in nixpkgs: docs/NIX-VERIFICATION.md), and a misspelt one is an error.
# `lib` is the real one: tests/nix/run puts it beside this file.
{
  outputs =
    _:
    let
      lib = import ./lib;
      nixos = import ./nixos.nix { inherit lib; };
    in
    {
      lib = lib // {
        inherit (nixos) nixosSystem;
      };
      legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] (
        system: import ./pkgs.nix { inherit lib system nixos; }
      );
    };
}

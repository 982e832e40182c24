# `nix flake check`: what needs no machine, and one VM a mode. The VM tests want a builder with KVM.
{
  pkgs,
  packages,
  sources,
  tests,
  inventory,
}:
let
  check =
    name: inputs: text:
    pkgs.runCommand "check-${name}" { nativeBuildInputs = inputs; } ''
      ${text}
      touch $out
    '';
in
{
  inherit (packages)
    go-api
    py-api
    rust-api
    bench
    ;
  inherit (tests) single multi three-machines;

  format-nix = check "format-nix" [ pkgs.nixfmt ] ''
    find ${sources.nix} -name '*.nix' -print0 | xargs -0 nixfmt --check
  '';
  lint-nix = check "lint-nix" [ pkgs.deadnix ] ''
    deadnix --fail ${sources.nix}
  '';
  format-go = check "format-go" [ pkgs.go ] ''
    test -z "$(gofmt -l ${sources.go})"
  '';
  format-rust = check "format-rust" [ pkgs.rustfmt ] ''
    cd ${sources.rustWithLints}
    find . -name '*.rs' -print0 | xargs -0 rustfmt --check --edition 2024
  '';

  # The lists that `bench` makes of the inventory are the proof that it can read it.
  inventory = check "inventory" [ packages.bench ] ''
    export BENCH_INVENTORY=${inventory}
    for mode in single multi; do
      bench run --mode "$mode" --list --seed 1 --allow-oversubscribed
    done
  '';
}

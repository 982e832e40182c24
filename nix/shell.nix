# default: every tool that the recipes and tests of the repository call. lab: also `bench` and `analyze`, built (polars
# takes minutes), so that `just bench-single` runs.
{
  pkgs,
  packages,
  lab,
}:
let
  tools = with pkgs; [
    cargo
    clippy
    rustc
    rustfmt
    go
    uv
    python3
    just
    jq
    git
    shellcheck
    ruff
    mypy
    nixfmt
    deadnix
    packages.k6
    packages.postgresql
  ];
in
{
  default = pkgs.mkShell { packages = tools; };
  lab = pkgs.mkShell {
    packages = tools ++ [
      lab
      packages.analyze
    ];
  };
}

# default: everything that the recipes call, `bench` and `analyze` built (polars takes minutes the first time).
# tools: the same without those two, for work on the code.
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
  tools = pkgs.mkShell { packages = tools; };
  default = pkgs.mkShell {
    packages = tools ++ [
      lab
      packages.analyze
    ];
  };
}

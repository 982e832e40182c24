# Only what each part needs, so that an edit of the docs rebuilds nothing.
{ lib }:
let
  fs = lib.fileset;
  root = ../.;
  only = fileset: fs.toSource { inherit root fileset; };
  rust = fs.unions [
    ../Cargo.toml
    ../Cargo.lock
    ../lab.toml
    ../db
    ../loadtest/scripts
    ../lab-model
    ../lab-stats
    ../lab-record
    ../lab-limits
    ../lab-verdict
    ../api-contract
    ../runner
    ../analyzer
    ../rust-api
  ];
in
{
  # go.mod is at the root of its own source.
  go = fs.toSource {
    root = ../go-api;
    fileset = fs.fileFilter (
      file: file.hasExt "go" || file.hasExt "sql" || file.name == "go.mod" || file.name == "go.sum"
    ) ../go-api;
  };
  python = fs.toSource {
    root = ../py-api;
    fileset = fs.unions [
      ../py-api/pyproject.toml
      ../py-api/src
    ];
  };
  # Cargo wants every member of the workspace, whichever is built.
  rust = only rust;
  rustWithLints = only (
    fs.unions [
      rust
      ../clippy.toml
      ../rustfmt.toml
    ]
  );
  assets = only (
    fs.unions [
      ../lab.toml
      ../db
      ../loadtest/scripts
      ../api-contract/openapi.yaml
      ../api-contract/cases
    ]
  );
  nix = only (
    fs.unions [
      ../flake.nix
      ../nix
      ../nixos
    ]
  );
}

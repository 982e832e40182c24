# How each target of lab.toml is started from the store: `command` replaces lab.toml's. A fifth service is one more entry.
{
  lib,
  packages,
  modes,
}:
let
  target = name: arguments: rec {
    inherit name;
    package = packages.${name};
    command = [ (lib.getExe package) ] ++ arguments;
    versionCommand = [
      (lib.getExe package)
      "--version"
    ];
  };
  known = {
    go = target "go-api" [ ];
    python = target "py-api" [ ];
    rust-sqlx = target "rust-api" [
      "--store"
      "sqlx"
    ];
    rust-tokio-postgres = target "rust-api" [
      "--store"
      "tokio-postgres"
    ];
  };
in
lib.genAttrs modes.targetNames (
  name:
  known.${name} or (throw "target ${name} of lab.toml has no package: add it to nix/targets.nix")
)

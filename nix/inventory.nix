# The inventory that `bench` reads (lab-model/schema/inventory.schema.json): paths in the store, versions as the programs tell them.
{
  pkgs,
  modes,
  packages,
  targets,
}:
let
  inherit (pkgs) lib;
  program = package: name: {
    path = "${package}/bin/${name}";
    inherit (package) version;
  };
  base = {
    schema_version = 1;
    kind = "nix";
    root = "${packages.load-assets}";
    programs = {
      k6 = program packages.k6 "k6";
    }
    // lib.genAttrs [ "initdb" "pg_ctl" "postgres" "psql" ] (program packages.postgresql);
    targets = lib.mapAttrs (_: target: { inherit (target) command; }) targets;
  };
in
pkgs.runCommand "inventory.json"
  {
    nativeBuildInputs = [ pkgs.jq ];
    text = builtins.toJSON base;
    passAsFile = [ "text" ];
    passthru = { inherit base; };
  }
  # A version is asked, not assumed: a Python service tells the versions of all its parts.
  ''
    cp "$textPath" inventory.json
    ${lib.concatMapStringsSep "\n" (name: ''
      version=$(${lib.escapeShellArgs targets.${name}.versionCommand} | head -n 1)
      jq --arg name ${lib.escapeShellArg name} --arg version "$version" '.targets[$name].version = $version' inventory.json > next.json
      mv next.json inventory.json
    '') modes.targetNames}
    cp inventory.json $out
  ''

# The budgets, derived from lab.toml as lab-model (Rust) derives them. Pure: no pkgs.
{
  lib,
  lab ? builtins.fromTOML (builtins.readFile ../lab.toml),
}:
let
  # Head room for the lab's own connections, as in lab-model.
  reserve = 10;

  mode =
    name:
    lab.modes.${name}
      or (throw "no mode named `${name}` in lab.toml; there are: ${lib.concatStringsSep ", " (lib.attrNames lab.modes)}");
  target =
    name:
    lab.targets.${name}
      or (throw "no target named `${name}` in lab.toml; there are: ${lib.concatStringsSep ", " (lib.attrNames lab.targets)}");

  # The pool of one process. Never rounded: then the budgets of two services would differ.
  poolSize =
    {
      mode,
      connections,
      processes,
    }:
    if lib.mod connections processes == 0 then
      connections / processes
    else
      throw "mode ${mode}: ${toString connections} db_connections do not divide by ${toString processes} processes";

  budget =
    modeName: targetName:
    let
      m = mode modeName;
      kind = (target targetName).workers;
      processes =
        {
          threads = 1;
          processes = m.workers;
        }
        .${kind} or (throw "target ${targetName}: workers must be `threads` or `processes`, not `${kind}`");
    in
    {
      inherit (m) cpus workers db_connections;
      inherit processes;
      pool_size = poolSize {
        mode = modeName;
        connections = m.db_connections;
        inherit processes;
      };
    };

  # Values of the placeholders in `command` and `env`; `null` leaves one in place.
  fill =
    values: text:
    let
      given = lib.filterAttrs (_: value: value != null) values;
      filled = lib.replaceStrings (map (name: "{${name}}") (lib.attrNames given)) (map toString (
        lib.attrValues given
      )) text;
      left = lib.filter (match: lib.isList match && !(values ? ${lib.head match})) (
        builtins.split "\\{([^}]*)}" filled
      );
    in
    if left == [ ] then
      filled
    else
      throw "unknown placeholder {${lib.head (lib.head left)}} in `${text}` of lab.toml";

  values =
    modeName: targetName:
    let
      b = budget modeName targetName;
    in
    {
      inherit (b) cpus workers pool_size;
      inherit (lab.contract) db_timeout_ms;
      host = "127.0.0.1";
      port = (target targetName).port;
      # A secret: it must never be in the store.
      database_url = null;
      cargo_target = null;
    };

  # Disjoint CPU sets in the order of lab-limits: load, Postgres, service.
  cpuSets =
    modeName:
    let
      m = mode modeName;
      from = first: count: lib.range first (first + count - 1);
    in
    {
      load = from 0 m.load_cpus;
      postgres = from m.load_cpus m.postgres_cpus;
      service = from (m.load_cpus + m.postgres_cpus) m.cpus;
    };

  checked =
    let
      max = lab.postgres.settings.max_connections;
      tooMany = lib.filterAttrs (_: m: m.db_connections + reserve > max) lab.modes;
      modeNames = lib.attrNames lab.modes;
      targetNames = lib.attrNames lab.targets;
      all = lib.concatMap (m: map (t: budget m t) targetNames) modeNames;
    in
    if lab.schema_version != 1 then
      throw "lab.toml: this code reads schema_version 1"
    else if tooMany != { } then
      throw "lab.toml: mode ${lib.head (lib.attrNames tooMany)}: its connections and ${toString reserve} for the lab itself do not fit max_connections = ${toString max}"
    else
      lib.deepSeq all lab;
in
{
  # Reading anything of it checks all of it.
  lab = checked;
  inherit reserve poolSize fill;
  names = lib.attrNames checked.modes;
  targetNames = lib.attrNames checked.targets;
  budgets = lib.mapAttrs (m: _: lib.mapAttrs (t: _: budget m t) checked.targets) checked.modes;
  mode = name: builtins.seq checked (mode name);
  budget = m: t: builtins.seq checked (budget m t);
  cpuSets = name: builtins.seq checked (cpuSets name);
  # CPUs of a machine that holds all three.
  cpusOf =
    name:
    let
      m = mode name;
    in
    builtins.seq checked (m.cpus + m.postgres_cpus + m.load_cpus);
  # Environment of a target; `changes` replaces placeholder values. Text with {database_url} is left as it is.
  environment =
    modeName: targetName: changes:
    lib.mapAttrs (_: fill (values modeName targetName // changes)) checked.targets.${targetName}.env;
  command =
    modeName: targetName: words:
    map (fill (values modeName targetName)) words;
  # Variables that carry the database's URL.
  databaseVariables = lib.unique (
    lib.concatMap (
      t: lib.attrNames (lib.filterAttrs (_: text: lib.hasInfix "{database_url}" text) t.env)
    ) (lib.attrValues checked.targets)
  );
}

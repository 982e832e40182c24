# `bench-seed`: database, role, migrations and seed, for a server that already runs. Done once; done again when db/ or
# [postgres] of lab.toml changed. PGHOST, PGPORT, PGUSER say where; BENCH_API_PASSWORD is the role's password.
{
  pkgs,
  modes,
  packages,
}:
let
  inherit (pkgs) lib;
  p = modes.lab.postgres;
  quoted = text: "'${lib.replaceStrings [ "'" ] [ "''" ] (toString text)}'";
  db = "${packages.load-assets}/db";
  migrations = lib.sort lib.lessThan (
    lib.filter (lib.hasSuffix ".sql") (lib.attrNames (builtins.readDir ../db/migrations))
  );
  # Half a seed never counts: the mark is written last, and without it everything is made anew.
  script = pkgs.writeText "seed.psql" ''
    \set ON_ERROR_STOP on
    \getenv password BENCH_API_PASSWORD
    \set role ${quoted p.role}
    \set database ${quoted p.database}
    \set users ${quoted p.users}
    \set seed ${quoted p.seed}
    \set mark ${quoted "bench-seed ${packages.load-assets} ${toString p.users} ${p.seed}"}
    SELECT NOT EXISTS (
        SELECT FROM pg_database WHERE datname = :'database' AND shobj_description(oid, 'pg_database') = :'mark'
    ) AS fresh \gset
    \if :fresh
    DROP DATABASE IF EXISTS :"database";
    DROP ROLE IF EXISTS :"role";
    CREATE DATABASE :"database";
    \connect :"database"
    ${lib.concatMapStringsSep "\n" (name: "\\i ${db}/migrations/${name}") migrations}
    \i ${db}/seed/users.sql
    COMMENT ON DATABASE :"database" IS :'mark';
    \else
    ALTER ROLE :"role" PASSWORD :'password';
    \endif
  '';
in
pkgs.writeShellApplication {
  name = "bench-seed";
  runtimeInputs = [ packages.postgresql ];
  text = ''
    : "''${BENCH_API_PASSWORD:?the password of ${p.role} is missing}"
    exec psql --no-psqlrc --quiet --dbname postgres --file ${script}
  '';
  passthru = { inherit script; };
}

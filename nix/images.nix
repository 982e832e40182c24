# One image a part. Each is a program that streams a tar: `$(nix build --print-out-paths .#image-go-api) | docker load`.
# Fixed times and numbers only, so that the same commit makes the same image.
{
  pkgs,
  modes,
  packages,
  targets,
  seed,
  revision,
}:
let
  inherit (pkgs) lib;
  # As an OCI health check counts: nanoseconds.
  second = 1000000000;
  health = test: {
    Test = [ "CMD" ] ++ test;
    Interval = 5 * second;
    Timeout = 3 * second;
    StartPeriod = 10 * second;
    Retries = 6;
  };
  image =
    {
      name,
      version,
      description,
      config,
      ...
    }@args:
    pkgs.dockerTools.streamLayeredImage (
      {
        name = "bench-frameworks/${name}";
        tag = version;
        created = "1970-01-01T00:00:01Z";
        config = {
          # nobody: no part of the lab needs more.
          User = "65534:65534";
          WorkingDir = "/";
          Labels = {
            "org.opencontainers.image.title" = name;
            "org.opencontainers.image.description" = description;
            "org.opencontainers.image.version" = version;
            "org.opencontainers.image.revision" = revision;
            "org.opencontainers.image.licenses" = "MIT";
          };
        }
        // config;
      }
      // removeAttrs args [
        "name"
        "version"
        "description"
        "config"
      ]
    );

  # A target with the budgets of mode `single`; a run in another mode gives other variables, and DATABASE_URL always.
  service =
    name:
    let
      mode = "single";
      target = targets.${name};
      t = modes.lab.targets.${name};
      environment = lib.filterAttrs (variable: _: !lib.elem variable modes.databaseVariables) (
        modes.environment mode name { host = "0.0.0.0"; }
      );
      command = modes.command mode name target.command;
    in
    image {
      name = target.name;
      inherit (target.package) version;
      description = t.title;
      config = {
        Entrypoint = lib.take 1 command;
        Cmd = lib.drop 1 command;
        Env = lib.mapAttrsToList (variable: value: "${variable}=${value}") environment;
        ExposedPorts."${toString t.port}/tcp" = { };
        StopSignal = "SIGTERM";
        # /healthz and not /readyz: a database that is away is no reason to restart a service.
        Healthcheck = health [
          "${pkgs.busybox}/bin/wget"
          "-q"
          "-O"
          "/dev/null"
          "http://127.0.0.1:${toString t.port}/healthz"
        ];
      };
    };

  settings = lib.concatMap (name: [
    "-c"
    "${name}=${toString modes.lab.postgres.settings.${name}}"
  ]) (lib.attrNames modes.lab.postgres.settings);

  entrypoint = pkgs.writeShellApplication {
    name = "bench-postgres";
    runtimeInputs = [
      packages.postgresql
      pkgs.coreutils
      seed
    ];
    text = ''
      : "''${POSTGRES_PASSWORD:?the password of the superuser postgres is missing}"
      : "''${BENCH_API_PASSWORD:?the password of ${modes.lab.postgres.role} is missing}"
      export PGDATA="''${PGDATA:-/var/lib/postgresql/data}" PGHOST=/tmp PGUSER=postgres PGPASSWORD="$POSTGRES_PASSWORD"
      if ! [ -s "$PGDATA/PG_VERSION" ]; then
        umask 077
        printf %s "$POSTGRES_PASSWORD" >/tmp/owner-password
        # The same cluster as the runner's (runner/src/cluster.rs): Postgres' own collation, the same everywhere.
        initdb --pgdata "$PGDATA" --username postgres --pwfile /tmp/owner-password --auth scram-sha-256 \
          --encoding UTF8 --locale-provider builtin --builtin-locale C.UTF-8 --locale C
        rm /tmp/owner-password
        echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
      fi
      settings=(${lib.escapeShellArgs settings})
      # Nobody from outside sees a half-made database.
      pg_ctl --pgdata "$PGDATA" --wait --silent \
        --options "''${settings[*]@Q} -c listen_addresses= -c unix_socket_directories=/tmp" start
      bench-seed
      pg_ctl --pgdata "$PGDATA" --wait --silent --mode fast stop
      exec postgres -D "$PGDATA" "''${settings[@]}" -c listen_addresses='*' -c unix_socket_directories=/tmp
    '';
  };
in
{
  image-go-api = service "go";
  image-py-api = service "python";
  # `--store tokio-postgres` as the command, and another PORT, make the fourth target of the same image.
  image-rust-api = service "rust-sqlx";

  image-postgres = image {
    name = "postgres";
    inherit (packages.postgresql) version;
    description = "PostgreSQL with the lab's settings, tables and rows";
    # initdb and pg_ctl start their children through /bin/sh and want to know who they are.
    contents = [
      pkgs.dockerTools.binSh
      pkgs.dockerTools.fakeNss
    ];
    extraCommands = "mkdir -m 1777 tmp";
    fakeRootCommands = ''
      mkdir -p ./var/lib/postgresql
      chown 65534:65534 ./var/lib/postgresql
    '';
    config = {
      Entrypoint = [ (lib.getExe entrypoint) ];
      ExposedPorts."5432/tcp" = { };
      Volumes."/var/lib/postgresql" = { };
      # Postgres' fast shutdown.
      StopSignal = "SIGINT";
      Healthcheck = health [
        "${packages.postgresql}/bin/pg_isready"
        "-q"
        "-h"
        "127.0.0.1"
        "-d"
        modes.lab.postgres.database
      ];
    };
  };

  # A client that ends with its load: it has no health to check.
  image-k6 = image {
    name = "k6";
    inherit (packages.k6) version;
    description = "k6, unmodified, with the lab's load script";
    extraCommands = "mkdir -m 1777 tmp";
    config = {
      Entrypoint = [ (lib.getExe packages.k6) ];
      Cmd = [
        "run"
        "${packages.load-assets}/loadtest/scripts/main.js"
      ];
    };
  };
}

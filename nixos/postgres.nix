# PostgreSQL with the lab's settings, role and rows. The data are made for measuring: fsync is off (lab.toml).
shared@{ labs, modes }:
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.bench.postgres;
  lab = labs.${pkgs.stdenv.hostPlatform.system};
  p = modes.lab.postgres;
  postgres = config.services.postgresql;
  environmentFile = "/var/lib/bench-postgres/database.env";
in
{
  key = "bench-frameworks/nixos/postgres.nix";
  _file = ./postgres.nix;
  imports = [ (import ./common.nix shared) ];

  options.bench.postgres = {
    enable = lib.mkEnableOption "PostgreSQL as the lab measures with it";
    port = lib.mkOption {
      type = lib.types.port;
      default = 5432;
      description = "TCP port.";
    };
    host = lib.mkOption {
      type = lib.types.str;
      default = "127.0.0.1";
      description = "Where services reach it; part of the URL they get.";
    };
    allowedNetwork = lib.mkOption {
      type = lib.types.str;
      default = "127.0.0.1/32";
      example = "192.168.1.0/24";
      description = "From where the services' role may log in (CIDR). Anything but loopback opens the port.";
    };
    passwordFile = lib.mkOption {
      type = lib.types.nullOr lib.types.str;
      default = null;
      description = "File with the password of the services' role. Null: one is made up at the first start.";
    };
    environmentFile = lib.mkOption {
      type = lib.types.str;
      default = environmentFile;
      readOnly = true;
      description = "File that the seed writes: DATABASE_URL, for services on this machine.";
    };
  };

  config = lib.mkIf cfg.enable {
    services.postgresql = {
      enable = true;
      package = lab.packages.postgresql;
      enableTCPIP = cfg.allowedNetwork != "127.0.0.1/32";
      settings = p.settings // {
        inherit (cfg) port;
      };
      # As runner/src/cluster.rs: Postgres' own collation, the same on every system.
      initdbArgs = [
        "--encoding=UTF8"
        "--locale-provider=builtin"
        "--builtin-locale=C.UTF-8"
        "--locale=C"
      ];
      authentication = ''
        host ${p.database} ${p.role} ${cfg.allowedNetwork} scram-sha-256
      '';
    };
    networking.firewall.allowedTCPPorts = lib.mkIf postgres.enableTCPIP [ cfg.port ];

    systemd.services.postgresql.serviceConfig.Slice = "bench-postgres.slice";

    systemd.services.bench-seed = {
      description = "Bench Frameworks: tables, role and rows";
      # Not postgresql.service: that is up before its socket serves everybody.
      requires = [ "postgresql.target" ];
      after = [ "postgresql.target" ];
      wantedBy = [ "multi-user.target" ];
      path = [
        pkgs.coreutils
        lab.seed
      ];
      environment = {
        PGHOST = "/run/postgresql";
        PGPORT = toString cfg.port;
        PGUSER = "postgres";
      };
      script = ''
        set -euo pipefail
        umask 077
        ${
          if cfg.passwordFile == null then
            ''
              [ -s password ] || od -A n -N 24 -t x1 /dev/urandom | tr -d ' \n' >password
              BENCH_API_PASSWORD=$(cat password)
            ''
          else
            ''
              BENCH_API_PASSWORD=$(cat "$CREDENTIALS_DIRECTORY/password")
            ''
        }
        export BENCH_API_PASSWORD
        bench-seed
        url="postgres://${p.role}:$BENCH_API_PASSWORD@${cfg.host}:${toString cfg.port}/${p.database}?sslmode=disable"
        {
          ${lib.concatMapStringsSep "\n" (
            name: ''printf '%s=%s\n' ${lib.escapeShellArg name} "$url"''
          ) modes.databaseVariables}
        } >database.env.new
        mv database.env.new database.env
      '';
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        User = "postgres";
        Group = "postgres";
        Slice = "bench-postgres.slice";
        StateDirectory = "bench-postgres";
        StateDirectoryMode = "0700";
        WorkingDirectory = "/var/lib/bench-postgres";
        LoadCredential = lib.mkIf (cfg.passwordFile != null) "password:${cfg.passwordFile}";
        NoNewPrivileges = true;
        ProtectSystem = "strict";
        ProtectHome = true;
        PrivateTmp = true;
        PrivateDevices = true;
        RestrictAddressFamilies = "AF_UNIX AF_INET AF_INET6";
      };
    };
  };
}

# The services of lab.toml as units: the budget of the mode in their environment, CPU and memory limits, hardening.
shared@{ labs, modes }:
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.bench.api;
  lab = labs.${pkgs.stdenv.hostPlatform.system};
  database = config.bench.postgres;
  mode = config.bench.mode;
  cpuList = lib.concatMapStringsSep "," toString;
  enabled = lib.filterAttrs (_: api: api.enable) cfg;
  ports = lib.mapAttrsToList (_: api: api.port) enabled ++ lib.optional database.enable database.port;
  startedTogether = lib.filterAttrs (_: api: api.autoStart) enabled;
  connections = lib.foldl' (sum: api: sum + api.connections) 0 (lib.attrValues startedTogether);
  maxConnections = modes.lab.postgres.settings.max_connections;

  targetOf =
    name:
    modes.lab.targets.${name}
      or (throw "bench.api.${name}: lab.toml has no target of this name; there are: ${lib.concatStringsSep ", " modes.targetNames}");

  budgetOf =
    name: api:
    let
      b = modes.budget mode name;
    in
    b
    // {
      # An own number of connections is divided by the same rule.
      pool_size = modes.poolSize {
        inherit mode;
        inherit (api) connections;
        inherit (b) processes;
      };
    };

  options =
    { name, ... }:
    let
      target = targetOf name;
    in
    {
      options = {
        enable = lib.mkEnableOption target.title;
        autoStart = lib.mkOption {
          type = lib.types.bool;
          default = true;
          description = "Start with the system. Services that are compared are started one at a time instead.";
        };
        command = lib.mkOption {
          type = lib.types.listOf lib.types.str;
          default = lab.targets.${name}.command;
          defaultText = lib.literalMD "the flake's package";
          description = "Program and arguments; the placeholders of lab.toml are filled.";
        };
        host = lib.mkOption {
          type = lib.types.str;
          default = "127.0.0.1";
          description = "Address to listen on.";
        };
        port = lib.mkOption {
          type = lib.types.port;
          default = target.port;
          description = "TCP port.";
        };
        openFirewall = lib.mkEnableOption "access from other machines";
        connections = lib.mkOption {
          type = lib.types.ints.positive;
          default = (modes.budget mode name).db_connections;
          description = "Database connections, all processes together.";
        };
        cpuQuota = lib.mkOption {
          type = lib.types.strMatching "[1-9][0-9]*%";
          default = "${toString ((modes.budget mode name).cpus * 100)}%";
          description = "CPU time; 100% is one CPU.";
        };
        memoryMax = lib.mkOption {
          type = lib.types.nullOr lib.types.str;
          default = "1G";
          description = "Memory; past it the kernel ends the service. Null: no limit.";
        };
        environmentFile = lib.mkOption {
          type = lib.types.str;
          default =
            if database.enable then
              database.environmentFile
            else
              throw "bench.api.${name}.environmentFile is missing: without bench.postgres.enable on this machine, name a file with DATABASE_URL=…";
          defaultText = lib.literalExpression "config.bench.postgres.environmentFile";
          description = "File with DATABASE_URL. It is read as root, so the service's user needs no access.";
        };
      };
    };

  unit =
    name: api:
    let
      b = budgetOf name api;
      values = {
        inherit (api) host port;
        inherit (b) pool_size;
      };
      environment = modes.environment mode name values;
      fromFile = lib.filterAttrs (_: text: lib.hasInfix "{database_url}" text) environment;
    in
    {
      description = "Bench Frameworks: ${(targetOf name).title}";
      wants = lib.optional database.enable "bench-seed.service";
      # It starts without its database, too (the contract says so); this only avoids a wait.
      after = [
        "network.target"
      ]
      ++ lib.optionals database.enable [
        "postgresql.target"
        "bench-seed.service"
      ];
      wantedBy = lib.optional api.autoStart "multi-user.target";
      environment = removeAttrs environment (lib.attrNames fromFile);
      serviceConfig = {
        Type = "exec";
        ExecStart = lib.concatMapStringsSep " " (
          word: ''"${lib.replaceStrings [ "\\" "\"" "%" "$" ] [ "\\\\" "\\\"" "%%" "$$" ] word}"''
        ) (modes.command mode name (map (modes.fill (values // unfilled)) api.command));
        EnvironmentFile = api.environmentFile;
        Restart = "on-failure";
        RestartSec = 1;
        KillMode = "mixed";
        # A second more than the contract allows for the drain.
        TimeoutStopSec = modes.lab.contract.drain_timeout_ms / 1000 + 1;

        Slice = "bench-service.slice";
        CPUQuota = api.cpuQuota;
        AllowedCPUs = lib.mkIf (config.bench.cpuSets.service != [ ]) (cpuList config.bench.cpuSets.service);
        MemoryMax = lib.mkIf (api.memoryMax != null) api.memoryMax;

        DynamicUser = true;
        UMask = "0077";
        CapabilityBoundingSet = "";
        AmbientCapabilities = "";
        NoNewPrivileges = true;
        LockPersonality = true;
        MemoryDenyWriteExecute = true;
        PrivateDevices = true;
        PrivateTmp = true;
        ProtectClock = true;
        ProtectControlGroups = true;
        ProtectHome = true;
        ProtectHostname = true;
        ProtectKernelLogs = true;
        ProtectKernelModules = true;
        ProtectKernelTunables = true;
        ProtectProc = "invisible";
        # Not ProcSubset=pid: Go reads net.core.somaxconn under /proc/sys and would take a shorter backlog than the others.
        ProtectSystem = "strict";
        RemoveIPC = true;
        RestrictAddressFamilies = "AF_INET AF_INET6 AF_UNIX";
        RestrictNamespaces = true;
        RestrictRealtime = true;
        RestrictSUIDSGID = true;
        SystemCallArchitectures = "native";
        SystemCallFilter = [
          "@system-service"
          "~@privileged"
        ];
        SystemCallErrorNumber = "EPERM";
      };
    };

  # Left for modes.command to fill.
  unfilled = lib.genAttrs [ "cpus" "workers" "db_timeout_ms" "database_url" "cargo_target" ] (
    _: null
  );
in
{
  key = "bench-frameworks/nixos/api.nix";
  _file = ./api.nix;
  imports = [
    (import ./common.nix shared)
    # For its options: whether the database is on this machine.
    (import ./postgres.nix shared)
  ];

  options.bench.api = lib.mkOption {
    type = lib.types.attrsOf (lib.types.submodule options);
    default = { };
    description = "The services, by the names of [targets] in lab.toml.";
  };

  config = lib.mkIf (enabled != { }) {
    assertions = [
      {
        assertion = lib.unique ports == ports;
        message = "bench: two of the services, or a service and Postgres, have the same port.";
      }
      {
        assertion = database.enable -> connections + modes.reserve <= maxConnections;
        message = "bench.api: the services that start together (${lib.concatStringsSep ", " (lib.attrNames startedTogether)}) hold ${toString connections} connections; with ${toString modes.reserve} for the lab they do not fit max_connections = ${toString maxConnections}. Set autoStart = false, or raise it in lab.toml.";
      }
    ]
    ++ lib.mapAttrsToList (name: api: {
      assertion = !lib.any (lib.hasInfix "{database_url}") api.command;
      message = "bench.api.${name}.command has {database_url}: everybody could read it; pass it in a variable.";
    }) enabled
    ++ lib.concatLists (
      lib.mapAttrsToList (
        name: _:
        lib.mapAttrsToList (variable: text: {
          assertion = lib.hasInfix "{database_url}" text -> text == "{database_url}";
          message = "lab.toml: targets.${name}.env.${variable}: the units take the database's URL whole, from a file.";
        }) (targetOf name).env
      ) enabled
    );
    networking.firewall.allowedTCPPorts = lib.mapAttrsToList (_: api: api.port) (
      lib.filterAttrs (_: api: api.openFirewall) enabled
    );
    systemd.services = lib.mapAttrs' (
      name: api: lib.nameValuePair "bench-api-${name}" (unit name api)
    ) enabled;
  };
}

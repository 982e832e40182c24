# `bench` itself, as a unit that may divide its own cgroup: it makes its own Postgres and starts the services by itself.
# systemctl start bench-run; arguments, one a line, in /run/bench/arguments; variables in /run/bench/environment.
shared@{ labs, ... }:
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.bench.lab;
  lab = labs.${pkgs.stdenv.hostPlatform.system};
in
{
  key = "bench-frameworks/nixos/lab.nix";
  _file = ./lab.nix;
  imports = [ (import ./common.nix shared) ];

  options.bench.lab = {
    enable = lib.mkEnableOption "the runner of Bench Frameworks";
    package = lib.mkOption {
      type = lib.types.package;
      default = lab.packages.default;
      defaultText = lib.literalMD "the flake's bench with its inventory";
      description = "Package with bin/bench and bin/contract.";
    };
    results = lib.mkOption {
      type = lib.types.str;
      default = "/var/lib/bench/results";
      description = "Folder of results.";
    };
    environment = lib.mkOption {
      type = lib.types.enum [
        "native"
        "vm"
        "container"
      ];
      default = "native";
      description = "What every result says of where it was measured. Results of different kinds are never compared unasked.";
    };
  };

  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ cfg.package ];
    systemd.services.bench-run = {
      description = "Bench Frameworks: bench run --mode ${config.bench.mode}";
      environment.BENCH_ENVIRONMENT = cfg.environment;
      script = ''
        arguments=()
        if [ -e /run/bench/arguments ]; then
          while IFS= read -r line; do
            [ -z "$line" ] || arguments+=("$line")
          done </run/bench/arguments
        fi
        exec ${cfg.package}/bin/bench run --mode ${lib.escapeShellArg config.bench.mode} --out ${lib.escapeShellArg cfg.results} "''${arguments[@]}"
      '';
      serviceConfig = {
        Type = "exec";
        # The runner divides its cgroup among Postgres, service and k6, each with its own limits.
        Delegate = true;
        EnvironmentFile = "-/run/bench/environment";
        StateDirectory = "bench";
        WorkingDirectory = "/var/lib/bench";
        # Ends its children itself, as on Ctrl-C; the results so far are kept and `bench resume` goes on.
        KillSignal = "SIGINT";
        KillMode = "mixed";
        TimeoutStopSec = 60;
        OOMPolicy = "continue";
        LimitNOFILE = 65536;
      };
    };
  };
}

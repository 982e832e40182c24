# What the three modules share: the mode, its CPU sets, and the slices.
{ modes, ... }:
{ config, lib, ... }:
let
  cfg = config.bench;
  cpuList = lib.concatMapStringsSep "," toString;
  slice = set: {
    description = "Bench Frameworks: ${set}";
    sliceConfig.AllowedCPUs = lib.mkIf (cfg.cpuSets.${set} != [ ]) (cpuList cfg.cpuSets.${set});
  };
  setOf = lib.mkOption {
    type = lib.types.listOf lib.types.ints.unsigned;
    description = "CPUs, by number. Empty: all.";
  };
  used = lib.concatLists (lib.attrValues cfg.cpuSets);
in
{
  # Imported by each module, evaluated once.
  key = "bench-frameworks/nixos/common.nix";
  _file = ./common.nix;

  options.bench = {
    mode = lib.mkOption {
      type = lib.types.enum modes.names;
      default = "single";
      description = "The budgets: a mode of lab.toml.";
    };
    cpuSets = {
      service = setOf;
      postgres = setOf;
      load = setOf;
    };
  };

  config = {
    bench.cpuSets = lib.mapAttrs (_: lib.mkDefault) (modes.cpuSets cfg.mode);
    assertions = [
      {
        assertion = lib.unique used == used;
        message = "bench.cpuSets: the sets of service, postgres and load must not share a CPU, and name none twice.";
      }
    ];
    systemd.slices = {
      bench.description = "Bench Frameworks";
      bench-service = slice "service";
      bench-postgres = slice "postgres";
      bench-load = slice "load";
    };
  };
}

# What the tests share: the machine of a mode, and the facts that their scripts check.
{
  pkgs,
  modes,
  modules,
  packages,
  lab,
  targets,
}:
let
  inherit (pkgs) lib;
  ranges = numbers: lib.concatMapStringsSep "," toString numbers;

  # The scripts are plain Python files with these facts in front.
  script = name: facts: ''
    import json
    from typing import Any

    FACTS: dict[str, Any] = json.loads(${builtins.toJSON (builtins.toJSON facts)})

    ${builtins.readFile (./. + "/${name}.py")}
  '';

  facts =
    mode:
    let
      m = modes.mode mode;
    in
    {
      inherit mode;
      inherit (m) cpus workers db_connections;
      machine_cpus = modes.cpusOf mode;
      cpu_sets = lib.mapAttrs (_: ranges) (modes.cpuSets mode);
      inherit (modes.lab.postgres) users database role;
      load_script = "${packages.load-assets}/loadtest/scripts/main.js";
      quick = builtins.toJSON modes.lab.profiles.${modes.lab.plan.quick.profile};
      results = "/var/lib/bench/results";
      run_arguments = [ "--quick" ];
      targets = lib.genAttrs modes.targetNames (
        name:
        let
          b = modes.budget mode name;
        in
        {
          inherit (b) processes pool_size;
          inherit (modes.lab.targets.${name}) port;
          unit = "bench-api-${name}.service";
          application = targets.${name}.name;
        }
      );
    };

  machine =
    { cores, memory }:
    {
      virtualisation = {
        inherit cores;
        memorySize = memory;
        diskSize = 8192;
      };
      environment.systemPackages = [
        lab
        pkgs.curl
        pkgs.iproute2
        pkgs.util-linux
      ];
      system.stateVersion = "26.05";
    };

  # Database, all services and load generator in one.
  whole = mode: {
    imports = lib.attrValues modules ++ [
      (machine {
        cores = modes.cpusOf mode;
        memory = 4096;
      })
    ];
    bench = {
      inherit mode;
      postgres.enable = true;
      lab = {
        enable = true;
        environment = "vm";
      };
      # Started one at a time, by the script.
      api = lib.genAttrs modes.targetNames (_: {
        enable = true;
        autoStart = false;
      });
    };
  };
in
{
  inherit
    lib
    pkgs
    modes
    modules
    packages
    machine
    facts
    script
    ;

  # The smoke test of a mode.
  smoke = mode: {
    name = "bench-frameworks-${mode}";
    globalTimeout = 3600;
    nodes.machine = whole mode;
    testScript = script "mode" (facts mode);
  };

  # The long run: only the runner, for as long as its plan takes.
  bench = mode: {
    name = "bench-frameworks-run-${mode}";
    globalTimeout = 48 * 3600;
    nodes.machine = {
      imports = [
        modules.bench-lab
        (machine {
          cores = modes.cpusOf mode;
          memory = 4096;
        })
      ];
      bench = {
        inherit mode;
        lab = {
          enable = true;
          environment = "vm";
        };
      };
    };
    testScript = script "bench" (facts mode);
  };
}

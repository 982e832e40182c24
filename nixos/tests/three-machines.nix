# Database, services and load generator on machines of their own, joined by a network.
common:
let
  inherit (common)
    lib
    pkgs
    modes
    modules
    packages
    machine
    ;
  mode = "multi";
  m = modes.mode mode;
  # Made for this test, and in the store on purpose.
  password = "three-machines";
  url = "postgres://${modes.lab.postgres.role}:${password}@database:5432/${modes.lab.postgres.database}?sslmode=disable";
in
{
  name = "bench-frameworks-three-machines";
  globalTimeout = 3600;

  nodes.database = {
    imports = [
      modules.bench-postgres
      (machine {
        cores = m.postgres_cpus;
        memory = 2048;
      })
    ];
    bench = {
      inherit mode;
      cpuSets = {
        service = [ ];
        load = [ ];
        postgres = lib.range 0 (m.postgres_cpus - 1);
      };
      postgres = {
        enable = true;
        host = "database";
        allowedNetwork = "192.168.1.0/24";
        passwordFile = "${pkgs.writeText "password" password}";
      };
    };
  };

  nodes.service = {
    imports = [
      modules.bench-api
      (machine {
        cores = m.cpus;
        memory = 2048;
      })
    ];
    environment.etc."bench/database.env".text = ''
      DATABASE_URL=${url}
    '';
    bench = {
      inherit mode;
      cpuSets = {
        service = lib.range 0 (m.cpus - 1);
        load = [ ];
        postgres = [ ];
      };
      api = lib.genAttrs modes.targetNames (_: {
        enable = true;
        autoStart = false;
        host = "0.0.0.0";
        openFirewall = true;
        environmentFile = "/etc/bench/database.env";
      });
    };
  };

  nodes.load = {
    imports = [
      (machine {
        cores = m.load_cpus;
        memory = 2048;
      })
    ];
    environment.systemPackages = [
      packages.k6
      packages.postgresql
    ];
  };

  testScript = common.script "three_machines" (common.facts mode);
}

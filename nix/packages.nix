# The programs. Versions of Go, Rust, Python and its parts are those of the pinned nixpkgs; the inventory records them.
{
  pkgs,
  modes,
  sources,
}:
let
  inherit (pkgs) lib;
  workspace = (builtins.fromTOML (builtins.readFile ../Cargo.toml)).workspace.package;
  project = (builtins.fromTOML (builtins.readFile ../py-api/pyproject.toml)).project;
  vendor = builtins.fromJSON (builtins.readFile ./vendor-hash.json);
  goFiles = {
    goMod = builtins.hashFile "sha256" ../go-api/go.mod;
    goSum = builtins.hashFile "sha256" ../go-api/go.sum;
  };

  rustPackage =
    {
      pname,
      description,
      mainProgram,
      crates,
      ...
    }@args:
    let
      select = lib.concatMap (crate: [
        "-p"
        crate
      ]) crates;
    in
    pkgs.rustPlatform.buildRustPackage (
      {
        inherit pname;
        inherit (workspace) version;
        src = sources.rust;
        cargoLock.lockFile = ../Cargo.lock;
        cargoBuildFlags = select;
        # Tests that start services, k6 or Postgres are integration tests: they belong in the VM.
        cargoTestFlags = select ++ [ "--lib" ];
        meta = {
          inherit description mainProgram;
          license = lib.licenses.mit;
          platforms = lib.platforms.linux;
        };
      }
      // removeAttrs args [
        "pname"
        "description"
        "mainProgram"
        "crates"
      ]
    );

  # hatchling makes the metadata that `py-api --version` reads.
  python = pkgs.python3.withPackages (_: [ py-api-module ]);
  py-api-module = pkgs.python3.pkgs.buildPythonPackage {
    pname = project.name;
    inherit (project) version;
    pyproject = true;
    src = sources.python;
    build-system = [ pkgs.python3.pkgs.hatchling ];
    dependencies = with pkgs.python3.pkgs; [
      asyncpg
      fastapi
      httptools
      pydantic
      starlette
      typing-extensions
      uvicorn
      uvloop
    ];
    pythonImportsCheck = [ "py_api" ];
    # They need a database and test tools.
    doCheck = false;
    meta = {
      inherit (project) description;
      license = lib.licenses.mit;
    };
  };
in
{
  go-api = pkgs.buildGoModule {
    pname = "go-api";
    version = "0.1.0";
    src = sources.go;
    vendorHash =
      if { inherit (vendor) goMod goSum; } == goFiles then
        vendor.vendorHash
      else
        throw "go-api/go.mod or go.sum changed, but nix/vendor-hash.json did not: run tools/nix/vendor-hash";
    subPackages = [ "cmd/go-api" ];
    env.CGO_ENABLED = "0";
    meta = {
      description = "The users API in Go: chi and pgx";
      mainProgram = "go-api";
      license = lib.licenses.mit;
      platforms = lib.platforms.linux;
    };
  };

  py-api =
    pkgs.runCommand "py-api-${project.version}"
      {
        nativeBuildInputs = [ pkgs.makeWrapper ];
        passthru = {
          inherit python;
          inherit (project) version;
        };
        meta = {
          inherit (project) description;
          mainProgram = "py-api";
          license = lib.licenses.mit;
          platforms = lib.platforms.linux;
        };
      }
      ''
        makeWrapper ${python}/bin/python3 $out/bin/py-api --add-flags "-P -m py_api"
      '';

  rust-api = rustPackage {
    pname = "rust-api";
    description = "The users API in Rust: axum over sqlx or tokio-postgres";
    mainProgram = "rust-api";
    crates = [ "rust-api" ];
    # The profile that a team would ship, as lab.toml's build has it.
    buildType = "service";
  };

  # `bench` and `contract`.
  bench = rustPackage {
    pname = "bench";
    description = "Fair, interleaved, observed load tests of API services";
    mainProgram = "bench";
    crates = [
      "runner"
      "api-contract"
    ];
    nativeBuildInputs = [ pkgs.installShellFiles ];
    postInstall = lib.optionalString (pkgs.stdenv.buildPlatform.canExecute pkgs.stdenv.hostPlatform) ''
      $out/bin/bench generate man > bench.1
      installManPage bench.1
      installShellCompletion --cmd bench \
        --bash <($out/bin/bench generate bash) \
        --fish <($out/bin/bench generate fish) \
        --zsh <($out/bin/bench generate zsh)
    '';
  };

  analyze = rustPackage {
    pname = "analyze";
    description = "Statistics over the raw samples of a run: intervals, verdicts, reports";
    mainProgram = "analyze";
    crates = [ "analyzer" ];
    # Its tests are long, and CI runs them: `./lab test unit-analyze`.
    doCheck = false;
  };

  # k6 as it is: the load script records by itself (loadtest/README.md).
  inherit (pkgs) k6;
  postgresql = pkgs."postgresql_${toString modes.lab.postgres.major}";

  # What `bench` reads at run time. A target's folder is where its program is started.
  load-assets = pkgs.runCommand "load-assets-${workspace.version}" { } ''
    cp -r ${sources.assets} $out
    chmod -R u+w $out
    ${lib.concatMapStringsSep "\n" (t: "mkdir -p $out/${lib.escapeShellArg t.dir}") (
      lib.attrValues modes.lab.targets
    )}
  '';
}

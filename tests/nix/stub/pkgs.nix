{
  lib,
  system,
  nixos,
}:
let
  # With the host's programs instead of none: smoke tests build go-api and rust-api by their own expressions.
  host = builtins.getEnv "BENCH_STUB_HOST_PATH";

  make =
    {
      name,
      version ? "0",
      meta ? { },
      passthru ? { },
      ...
    }@args:
    let
      drv = derivation (
        {
          inherit name system;
          builder = "/bin/sh";
          args = [
            "-c"
            "echo stub > $out"
          ];
        }
        // lib.optionalAttrs (args ? inputs) { inputs = map (x: "${x}") args.inputs; }
        // removeAttrs (args.derivation or { }) [ ]
      );
    in
    drv
    // passthru
    // {
      inherit version meta passthru;
      pname = name;
      outputs = [ "out" ];
    };
  program =
    name: version:
    make {
      inherit name version;
      meta.mainProgram = name;
    };

  buildGoModule =
    {
      pname,
      version,
      src,
      vendorHash,
      subPackages ? [ ],
      env ? { },
      doCheck ? true,
      meta ? { },
    }:
    let
      vendor = derivation {
        name = "${pname}-go-modules";
        inherit system src;
        builder = "/bin/sh";
        outputHashMode = "recursive";
        outputHash = vendorHash;
        outputHashAlgo = null;
        args = [
          "-c"
          ''
            export PATH=${host} HOME=$TMPDIR GOFLAGS=-mod=readonly GOTOOLCHAIN=local
            export GOPROXY=off GOMODCACHE=${builtins.getEnv "BENCH_STUB_GOMODCACHE"} GOCACHE=$TMPDIR/cache
            cp -r $src source && chmod -R u+w source && cd source && go mod vendor && cp -r vendor $out
          ''
        ];
      };
    in
    make {
      name = "${pname}-${version}";
      inherit version meta;
      derivation =
        if host == "" then
          { inherit src vendorHash; }
        else
          {
            inherit src vendor subPackages;
            args = [
              "-c"
              ''
                set -e
                export PATH=${host} HOME=$TMPDIR GOFLAGS='-mod=vendor -trimpath' GOTOOLCHAIN=local GOPROXY=off
                export GOCACHE=''${BENCH_STUB_GOCACHE:-$TMPDIR/cache} ${
                  lib.concatStringsSep " " (lib.mapAttrsToList (n: v: "${n}=${v}") env)
                }
                cp -r $src source && chmod -R u+w source && cd source && cp -r $vendor vendor
                mkdir -p $out/bin
                for package in $subPackages; do go build -ldflags=-buildid= -o $out/bin/ ./$package; done
                ${lib.optionalString doCheck "for package in $subPackages; do go test ./$package; done"}
              ''
            ];
          };
    };

  buildRustPackage =
    {
      pname,
      version,
      src,
      cargoLock,
      cargoBuildFlags ? [ ],
      cargoTestFlags ? [ ],
      buildType ? "release",
      doCheck ? true,
      nativeBuildInputs ? [ ],
      postInstall ? "",
      meta ? { },
    }:
    let
      lock = builtins.fromTOML (builtins.readFile cargoLock.lockFile);
      # As importCargoLock: each crate of a registry is fetched by its checksum.
      bad = lib.filter (
        p: p ? source && !(lib.hasPrefix "registry+" p.source && p ? checksum)
      ) lock.package;
    in
    assert lib.assertMsg (bad == [ ])
      "Cargo.lock: ${(lib.head bad).name} has no checksum, or is from git: cargoLock.outputHashes would be needed";
    make {
      name = "${pname}-${version}";
      inherit version meta;
      inputs = nativeBuildInputs;
      derivation = {
        inherit src postInstall buildType;
        inherit cargoBuildFlags;
        cargoTestFlags = lib.optionals doCheck cargoTestFlags;
      }
      // lib.optionalAttrs (host != "") {
        args = [
          "-c"
          ''
            set -e
            export PATH=${host} HOME=$TMPDIR CARGO_HOME=$TMPDIR/cargo CARGO_NET_OFFLINE=true
            mkdir $CARGO_HOME && ln -s ${builtins.getEnv "BENCH_STUB_CARGO_REGISTRY"} $CARGO_HOME/registry
            cp -r $src source && chmod -R u+w source && cd source
            cargo build --locked --profile $buildType $cargoBuildFlags
            mkdir -p $out/bin
            find target/$buildType -maxdepth 1 -type f -executable -exec cp {} $out/bin/ ';'
          ''
        ];
      };
    };

  buildPythonPackage =
    {
      pname,
      version,
      pyproject,
      src,
      build-system,
      dependencies ? [ ],
      pythonImportsCheck ? [ ],
      doCheck ? true,
      meta ? { },
    }:
    make {
      name = "${pname}-${version}";
      inherit version meta;
      inputs = build-system ++ dependencies;
      derivation = {
        inherit
          src
          pyproject
          pythonImportsCheck
          doCheck
          ;
      };
    };

  streamLayeredImage =
    {
      name,
      tag ? null,
      contents ? [ ],
      config ? { },
      created ? "1970-01-01T00:00:01Z",
      mtime ? "1970-01-01T00:00:01Z",
      maxLayers ? 100,
      extraCommands ? "",
      fakeRootCommands ? "",
      enableFakechroot ? false,
      uid ? 0,
      gid ? 0,
      architecture ? null,
    }:
    assert created != "now" && mtime != "now";
    make {
      name = "stream-${lib.replaceStrings [ "/" ] [ "-" ] name}";
      version = tag;
      inputs = contents;
      derivation.config = builtins.toJSON config;
      passthru = {
        inherit
          config
          tag
          created
          extraCommands
          fakeRootCommands
          ;
        imageName = name;
      };
    };

  writeShellApplication =
    {
      name,
      text,
      runtimeInputs ? [ ],
      runtimeEnv ? null,
      meta ? { },
      passthru ? { },
      excludeShellChecks ? [ ],
    }:
    make {
      inherit name;
      meta = {
        mainProgram = name;
      }
      // meta;
      passthru = passthru // {
        script = passthru.script or null;
        shellText = text;
      };
      inputs = runtimeInputs;
      derivation = { inherit text; };
    };

  runCommand =
    name: attrs: text:
    make {
      inherit name;
      version = attrs.passthru.version or "0";
      meta = attrs.meta or { };
      passthru = attrs.passthru or { };
      inputs = attrs.nativeBuildInputs or [ ];
      derivation = {
        inherit text;
      }
      // removeAttrs attrs [
        "meta"
        "passthru"
        "nativeBuildInputs"
        "text"
        "passAsFile"
      ];
    };

  python3 = program "python3" "3.13.0" // {
    pkgs =
      lib.genAttrs [
        "asyncpg"
        "fastapi"
        "hatchling"
        "httptools"
        "pydantic"
        "starlette"
        "typing-extensions"
        "uvicorn"
        "uvloop"
      ] (name: program name "1")
      // {
        inherit buildPythonPackage;
      };
    withPackages =
      choose:
      make {
        name = "python3-env";
        inputs = choose python3.pkgs;
      };
  };

  pkgs =
    lib.genAttrs [
      "busybox"
      "cargo"
      "clippy"
      "coreutils"
      "curl"
      "deadnix"
      "git"
      "go"
      "installShellFiles"
      "iproute2"
      "jq"
      "just"
      "k6"
      "makeWrapper"
      "mypy"
      "nixfmt"
      "nixfmt-tree"
      "ruff"
      "rustc"
      "rustfmt"
      "shellcheck"
      "util-linux"
      "uv"
    ] (name: program name "1.0")
    // {
      inherit
        lib
        system
        python3
        buildGoModule
        runCommand
        writeShellApplication
        ;
      stdenv = {
        hostPlatform = {
          inherit system;
        };
        buildPlatform.canExecute = _: true;
      };
      rustPlatform = { inherit buildRustPackage; };
      postgresql_18 = program "postgres" "18.4";
      dockerTools = {
        inherit streamLayeredImage;
        binSh = program "bin-sh" "1";
        fakeNss = program "fake-nss" "1";
      };
      writeText = name: text: builtins.toFile name (builtins.unsafeDiscardStringContext text);
      symlinkJoin =
        {
          name,
          paths,
          passthru ? { },
          meta ? { },
          postBuild ? "",
        }:
        make {
          inherit name passthru meta;
          inputs = paths;
        };
      mkShell =
        { packages }:
        make {
          name = "shell";
          inputs = packages;
        };
      testers.runNixOSTest = nixos.test pkgs make;
    };
in
pkgs

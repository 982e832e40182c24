# The part of NixOS that our modules set, as options with types: a name or a type that NixOS does not have is an error.
# Names and types were read in nixpkgs (docs/NIX-VERIFICATION.md); nothing here sets anything by itself.
{ lib }:
let
  inherit (lib) types mkOption;
  option =
    type: default:
    mkOption {
      inherit type default;
    };
  value = types.nullOr (
    types.oneOf [
      types.bool
      types.int
      types.float
      types.str
      types.path
      types.package
      (types.listOf (
        types.oneOf [
          types.str
          types.path
        ]
      ))
    ]
  );
  settings = option (types.attrsOf value) { };
  names = option (types.listOf types.str) [ ];
  unit = {
    description = option types.str "";
    after = names;
    before = names;
    requires = names;
    wants = names;
    wantedBy = names;
    partOf = names;
    unitConfig = settings;
  };
  service = types.submodule {
    options = unit // {
      enable = option types.bool true;
      environment = option (types.attrsOf (
        types.nullOr (
          types.oneOf [
            types.str
            types.path
            types.package
          ]
        )
      )) { };
      path = option (types.listOf (types.either types.package types.str)) [ ];
      script = option types.lines "";
      serviceConfig = settings;
    };
  };
  slice = types.submodule {
    options = unit // {
      sliceConfig = settings;
    };
  };
  base = {
    options = {
      assertions = option (types.listOf types.unspecified) [ ];
      systemd.services = option (types.attrsOf service) { };
      systemd.slices = option (types.attrsOf slice) { };
      environment.systemPackages = option (types.listOf types.package) [ ];
      environment.etc = option (types.attrsOf (
        types.submodule { options.text = option (types.nullOr types.lines) null; }
      )) { };
      networking.firewall.allowedTCPPorts = option (types.listOf types.port) [ ];
      system.stateVersion = mkOption { type = types.str; };
      services.postgresql = {
        enable = option types.bool false;
        package = option (types.nullOr types.package) null;
        enableTCPIP = option types.bool false;
        settings = option (types.attrsOf (
          types.oneOf [
            types.bool
            types.float
            types.int
            types.str
          ]
        )) { };
        initdbArgs = names;
        authentication = option types.lines "";
      };
      virtualisation = {
        cores = option types.ints.positive 1;
        memorySize = option types.ints.positive 1024;
        diskSize = option (types.nullOr types.ints.positive) 1024;
      };
    };
  };
  evaluate =
    pkgs: modules:
    let
      result = lib.evalModules {
        modules = [ base ] ++ modules;
        specialArgs = { inherit pkgs; };
      };
      failed = lib.filter (a: !a.assertion) result.config.assertions;
    in
    if failed == [ ] then
      result.config
    else
      throw "Failed assertions:\n${lib.concatMapStringsSep "\n" (a: "- ${a.message}") failed}";
in
{
  nixosSystem = { pkgs, modules }: { config = evaluate pkgs modules; };

  # As pkgs.testers.runNixOSTest: its own arguments are options, too.
  test =
    pkgs: make:
    {
      name,
      nodes,
      testScript,
      globalTimeout ? 3600,
    }:
    let
      configs = lib.mapAttrs (_: node: evaluate pkgs [ node ]) nodes;
      # All that a real machine would be made of.
      forced = lib.deepSeq (lib.mapAttrs (_: c: removeAttrs c [ "assertions" ]) configs) testScript;
    in
    make {
      name = "vm-test-run-${name}";
      derivation = {
        testScript = forced;
        timeout = globalTimeout;
      };
      passthru = {
        inherit configs testScript globalTimeout;
        nodes = lib.attrNames nodes;
        driver = make {
          name = "nixos-test-driver-${name}";
          meta.mainProgram = "nixos-test-driver";
          derivation = { inherit testScript; };
        };
      };
    };
}

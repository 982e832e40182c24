"""pip's settings, handed on to uv: whoever pointed pip at another index means Python packages altogether."""

import configparser
import os
import sys
from pathlib import Path

# uv's variable <- pip's setting.
HANDED_ON = {"UV_DEFAULT_INDEX": "index-url", "UV_INDEX": "extra-index-url", "SSL_CERT_FILE": "cert"}


def uv_settings(env: dict[str, str]) -> dict[str, str]:
    """What to add to `env`; a variable of uv's that is already set stays."""
    settings = _files(env)
    for setting in HANDED_ON.values():
        if value := env.get("PIP_" + setting.upper().replace("-", "_")):
            settings[setting] = value
    found = {name: " ".join(settings[setting].split()) for name, setting in HANDED_ON.items() if settings.get(setting)}
    return {name: value for name, value in found.items() if name not in env}


def _files(env: dict[str, str]) -> dict[str, str]:
    # In pip's own order, later ones win. `pip config list` says the same in half a second.
    chosen = env.get("PIP_CONFIG_FILE")
    if chosen == os.devnull:
        return {}
    home = Path(env.get("HOME") or Path.home())
    system = [Path(folder) / "pip" for folder in env.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":")]
    folders = [*system, Path("/etc"), home / ".pip", Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "pip", Path(sys.prefix)]
    files = [folder / "pip.conf" for folder in folders] + ([Path(chosen)] if chosen else [])
    settings: dict[str, str] = {}
    for file in files:
        parser = configparser.RawConfigParser()
        try:
            parser.read(file, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue
        for section in ("global", "install"):
            if parser.has_section(section):
                settings.update({key.replace("_", "-"): value for key, value in parser.items(section)})
    return settings

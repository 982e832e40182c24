"""Licences and sources of everything that is linked into the lab's programs, against deny.toml.

Rust by `cargo metadata`, Go by the modules that are compiled in, Python by the metadata of the installed packages. Ends
with 1 and names each package that does not fit. Advisories need a database from the network: `cargo deny check
advisories`, `govulncheck ./...` and `pip-audit` ask for them where it can be had.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

from labtools.paths import ROOT

GO_MODULES = ("go-api", "loadtest/bench/server")
PYTHON_PACKAGES = ROOT / "py-api" / ".venv"
TOKEN = re.compile(r"\(|\)|[A-Za-z0-9.+-]+")
# Go modules name no licence: it is told by words that only this licence has.
GO_TEXTS = {
    "Apache-2.0": "Apache License Version 2.0",
    "MIT": "Permission is hereby granted, free of charge, to any person obtaining a copy",
    "BSD-3-Clause": "may be used to endorse or promote products derived from this software",
    "BSD-2-Clause": "Redistributions in binary form must reproduce the above copyright notice",
    "ISC": "Permission to use, copy, modify, and/or distribute this software for any purpose",
}
# Older Python packages say it in free text.
FREE_TEXT = {"MIT License": "MIT", "Apache License 2.0": "Apache-2.0", "BSD": "BSD-3-Clause"}


@dataclass(frozen=True)
class Package:
    """A package of another author."""

    kind: str
    name: str
    licence: str | None
    """An SPDX expression; None: not to be found out."""


def permitted(expression: str, allowed: frozenset[str]) -> bool:
    """Can the terms of an SPDX expression be met with allowed licences alone? Raises ValueError for no expression."""
    # An old form of cargo: a slash is an OR.
    tokens = TOKEN.findall(expression.replace("/", " OR "))

    def alternatives() -> bool:
        value = conjunction()
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            # Both sides are read to their ends.
            value = conjunction() or value
        return value

    def conjunction() -> bool:
        value = one()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            value = one() and value
        return value

    def one() -> bool:
        if not tokens:
            raise ValueError(f"`{expression}` is no SPDX expression")
        if tokens[0] == "(":
            tokens.pop(0)
            value = alternatives()
            if not tokens or tokens.pop(0) != ")":
                raise ValueError(f"`{expression}` has an open bracket")
            return value
        name = tokens.pop(0)
        if tokens and tokens[0] == "WITH":
            name = f"{name} WITH {tokens[1]}"
            del tokens[:2]
        return name in allowed

    value = alternatives()
    if tokens:
        raise ValueError(f"`{expression}` is no SPDX expression")
    return value


def cargo(registries: frozenset[str], banned: frozenset[str]) -> Iterator[Package | str]:
    """Crates of all programs of the workspace; texts are problems that are no licences."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    for crate in json.loads(done.stdout)["packages"]:
        name, source = f"{crate['name']} {crate['version']}", crate["source"]
        if source is None:
            continue
        if source.removeprefix("registry+") not in registries:
            yield f"crate {name} comes from {source}"
        if crate["name"] in banned:
            yield f"crate {name} is banned"
        yield Package("crate", name, crate["license"])


def go(module: str) -> Iterator[Package | str]:
    """Modules that are compiled into a Go program, without the program's own."""
    listing = ["go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}{{end}}", "./..."]
    done = subprocess.run(listing, cwd=ROOT / module, stdout=subprocess.PIPE, text=True, check=True)
    for line in sorted(set(filter(None, done.stdout.splitlines()))):
        name, folder = line.split("\t")
        yield Package("Go module", name, go_licence(Path(folder)))


def go_licence(folder: Path) -> str | None:
    """The licence of a module by the text of its file."""
    for file in sorted(folder.glob("LICEN[CS]E*")):
        text = re.sub(r"\s+", " ", file.read_text(errors="replace"))
        for licence, words in GO_TEXTS.items():
            if words in text:
                return licence
    return None


def python(environment: Path) -> Iterator[Package | str]:
    """Packages of the Python service's environment, without the service."""
    files = sorted(environment.glob("lib/python*/site-packages/*.dist-info/METADATA"))
    if not files:
        yield f"no Python packages in {environment.relative_to(ROOT)}: `./lab exec bench build python` installs them"
    for file in files:
        told = HeaderParser().parsestr(file.read_text(encoding="utf-8"))
        if told["Name"] == "py-api":
            continue
        licence = told["License-Expression"] or told["License"]
        yield Package("Python package", f"{told['Name']} {told['Version']}", FREE_TEXT.get(licence, licence))


def problem(package: Package, allowed: frozenset[str]) -> str | None:
    """Why a package may not be used."""
    if package.licence is None:
        return f"{package.kind} {package.name}: no licence found"
    try:
        fits = permitted(package.licence, allowed)
    except ValueError as error:
        return f"{package.kind} {package.name}: {error}"
    return None if fits else f"{package.kind} {package.name}: {package.licence} is not allowed in deny.toml"


def main() -> int:
    """0 when all fits, 1 when something does not."""
    rules = tomllib.loads((ROOT / "deny.toml").read_text(encoding="utf-8"))
    allowed = frozenset(rules["licenses"]["allow"])
    banned = frozenset(entry["crate"] for entry in rules["bans"]["deny"])
    found = [*cargo(frozenset(rules["sources"]["allow-registry"]), banned), *python(PYTHON_PACKAGES)]
    for module in GO_MODULES:
        found += go(module)
    problems = [one for one in found if isinstance(one, str)]
    packages = {one for one in found if isinstance(one, Package)}
    problems += filter(None, (problem(package, allowed) for package in sorted(packages, key=lambda p: (p.kind, p.name))))
    for text in problems:
        print(text)
    kinds = sorted({package.kind for package in packages})
    counts = ", ".join(f"{sum(package.kind == kind for package in packages)} {kind}s" for kind in kinds)
    print(f"{counts}: {len(problems)} problems; advisories were not asked for (no database without the network)")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

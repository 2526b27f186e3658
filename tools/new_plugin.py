#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Starts a plugin: the file from the template, its rows in the tables. What it makes builds as it is.

Run by ``make new-plugin NAME=wireguard``.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def start(name: str, root: Path) -> list[str]:
    """Writes everything that a plugin of that name needs; answers the files that it touched."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        sys.exit(
            "new-plugin: a name is lower-case words joined by '_': make new-plugin NAME=wireguard"
        )
    plugin = root / "crates" / "meter" / "src" / "plugins" / f"{name}.rs"
    if plugin.exists():
        sys.exit(f"new-plugin: {plugin.relative_to(root)} is there already")
    kind = "".join(word.capitalize() for word in name.split("_"))
    text = (ROOT / "tools" / "templates" / "plugin.rs").read_text(encoding="utf-8")
    text = text.replace("Type", kind).replace("UPPER", name.upper()).replace("NAME", name)
    # State is the trait's word, and Type was the template's.
    plugin.write_text(text.replace(f"type {kind} =", "type State ="), encoding="utf-8")
    table = _into_table(root, name, kind)
    schema = _into_schema(root, name)
    elements = _into_elements(root, name)
    return [str(path.relative_to(root)) for path in (plugin, table, schema, elements)]


def _into_table(root: Path, name: str, kind: str) -> Path:
    path = root / "crates" / "meter" / "src" / "plugins" / "mod.rs"
    text = path.read_text(encoding="utf-8")
    modules = sorted([*re.findall(r"^mod (\w+);$", text, re.MULTILINE), name])
    text = re.sub(
        r"(?:^mod \w+;\n)+",
        "".join(f"mod {one};\n" for one in modules),
        text,
        count=1,
        flags=re.MULTILINE,
    )
    text = re.sub(r"(table! \{\n(?:    .*\n)*)\}", rf"\1    {name}::{kind},\n}}", text, count=1)
    path.write_text(text, encoding="utf-8")
    return path


def _into_schema(root: Path, name: str) -> Path:
    path = root / "registry" / "schema.toml"
    text = path.read_text(encoding="utf-8")
    bit = max(int(number) for number in re.findall(r"bit = (\d+)", text)) + 1
    group = f'  {{ name = "{name}", bit = {bit}, plugin = true, summary = "Plugin {name}" }},\n'
    text = re.sub(r"^\]\n", group + "]\n", text, count=1, flags=re.MULTILINE)
    flows = text.index("\n[[loss]]")
    number = (
        max(int(one) for one in re.findall(r"^protobuf = (\d+)", text[:flows], re.MULTILINE)) + 1
    )
    row = f"""[[flows]]
name = "{name}_packets"
type = "u64"
group = "{name}"
elements = ["penstock:{_camel(name)}Packets"]
clickhouse = "UInt64"
codec = "T64, ZSTD(1)"
protobuf = {number}
summary = "Packets with payload"

"""
    # Behind the last column of a flow, whatever comment the next table begins with.
    place = text.rindex("[[flows]]")
    place = text.index("\n\n", place) + 2
    path.write_text(text[:place] + row + text[place:], encoding="utf-8")
    return path


def _into_elements(root: Path, name: str) -> Path:
    path = root / "registry" / "elements" / "penstock.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    numbers = [int(line.split(",")[0]) for line in lines if line[:1].isdigit()]
    number = max(one for one in numbers if one < REVERSE) + 1
    new = f"{number},{_camel(name)}Packets,unsigned64,deltaCounter,packets,current"
    place = next(
        (
            at
            for at, line in enumerate(lines)
            if line[:1].isdigit() and int(line.split(",")[0]) > number
        ),
        len(lines),
    )
    lines.insert(place, new)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


REVERSE = 16384
"""Elements from here on are the reverse of those below."""


def main() -> None:
    """Makes the plugin and says what is left to do."""
    if len(sys.argv) != 2 or not sys.argv[1]:
        sys.exit("new-plugin: which? make new-plugin NAME=wireguard")
    name = sys.argv[1]
    for path in start(name, ROOT):
        print(f"wrote {path}")
    print(
        f"\nIt builds as it is. Now: make it read its protocol (plugins/{name}.rs), name its columns and\n"
        "elements (registry), have a capture hold some of it, and run: make docs test"
    )


if __name__ == "__main__":
    main()

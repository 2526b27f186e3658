# SPDX-License-Identifier: Apache-2.0
"""Words whose meaning lies elsewhere: plugins, sinks, key fields, filters, addresses.

Each function takes a setting's value and gives it back, or refuses it with one line.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticCustomError

from penstock import _core, sinks
from penstock.errors import ConfigError
from penstock.naming import unknown
from penstock.uri import parse_address, parse_listen, parse_plugin

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.config.model import PluginUse


def refused(problem: str) -> PydanticCustomError:
    """An error whose text is ``problem`` as it stands, braces and all."""
    return PydanticCustomError("refused", "{problem}", {"problem": problem})


def plugin(name: str) -> str:
    """The name of a plugin of this build."""
    known = [row["name"] for row in _core.plugins()]
    if name not in known:
        raise refused(unknown("plugin", name, known))
    return name


def plugin_use(value: Any) -> Any:
    """A plugin and its options, from ``name?option=value`` or a table."""
    if isinstance(value, str):
        try:
            uri = parse_plugin(value)
        except ConfigError as error:
            raise refused(str(error)) from None
        value = {"name": uri.name, "options": uri.options}
    if isinstance(value, dict) and isinstance(value.get("options"), dict):
        options = {str(name): _as_text(given) for name, given in value["options"].items()}
        value = {**value, "options": options}
        _check_options(value.get("name"), options)
    return value


def plugins_once(uses: list[PluginUse]) -> list[PluginUse]:
    """A plugin can look into a flow only once."""
    names = [use.name for use in uses]
    for name in names:
        if names.count(name) > 1:
            raise refused(f"plugin {name!r} is given twice")
    return uses


def key_field(name: str) -> str:
    """What a cache's key may hold."""
    known = _core.key_fields()
    if name not in known:
        raise refused(unknown("key field", name, known))
    return name


def filter_expression(expression: str) -> str:
    """A filter that libpcap can compile."""
    try:
        _core.check_filter(expression)
    except ConfigError as error:
        raise refused(str(error)) from None
    return expression


def sink(text: str) -> str:
    """The URI of a sink."""
    try:
        sinks.order(text)
    except ConfigError as error:
        raise refused(str(error)) from None
    return text


def listen(text: str) -> str:
    """The URI of what a collector listens on."""
    try:
        parse_listen(text)
    except ConfigError as error:
        raise refused(str(error)) from None
    return text


def address(text: str) -> str:
    """A host and a port."""
    try:
        parse_address(f":{text}" if text.isdecimal() else text)
    except ConfigError as error:
        raise refused(str(error)) from None
    return text


def ip_address(text: str) -> str:
    """The address of a machine, not its name."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise refused(f"{text!r} is no IP address") from None


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _check_options(name: object, options: dict[str, str]) -> None:
    rows = [row for row in _core.plugins() if row["name"] == name]
    if not rows:
        return  # the name is refused by itself
    known = {option["name"]: option for option in rows[0]["options"]}
    known |= {option["alias"]: option for option in rows[0]["options"] if option["alias"]}
    problems, seen = [], dict[str, str]()
    for option, value in options.items():
        if option not in known:
            problems.append(unknown(f"option of plugin {name!r}:", option, known))
            continue
        row = known[option]
        other = seen.setdefault(row["name"], option)
        if other != option:
            problems.append(f"option {option!r} of plugin {name!r} is given as {other!r} already")
        allowed = OPTION_VALUES.get(row["type"])
        if allowed is not None and not allowed[0](value):
            problems.append(
                f"option {option!r} of plugin {name!r} cannot be {value!r}; allowed: {allowed[1]}"
            )
    if problems:
        raise refused("\n".join(problems))


TRUTH = ("", "true", "yes", "on", "1", "false", "no", "off", "0")
"""What the native half understands as true or false."""

OPTION_VALUES: dict[str, tuple[Callable[[str], bool], str]] = {
    "bool": (lambda value: value in TRUTH, "true, false"),
    "integer": (str.isdecimal, "a whole number"),
}
"""Types of plugin options: how a value is recognised, and what to say of one that is not."""

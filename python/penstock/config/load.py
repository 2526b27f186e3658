# SPDX-License-Identifier: Apache-2.0
"""Configuration files: TOML, or YAML by the name's ending."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.config.check import MistakesError, graph
from penstock.errors import ConfigError

if TYPE_CHECKING:
    import yaml

    from penstock.config.model import Graph


def load(path: str | Path) -> Graph:
    """The graph that a file describes.

    Raises:
        ConfigError: with a line for each mistake: file, dotted path, what is wrong, what is allowed.
    """
    path = Path(path)
    data = _read(path)
    try:
        return graph(data)
    except MistakesError as error:
        raise MistakesError(error.problems, str(path)) from None


def dump(made: Graph) -> str:
    """The graph as TOML with every setting in it; :func:`load` gives an equal graph."""
    import tomli_w  # noqa: PLC0415 -- only for showing

    return tomli_w.dumps(made.model_dump(exclude_none=True), multiline_strings=False)


def _read(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(error.strerror or str(error), path=str(path)) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"octet {error.start}: not UTF-8 text", path=str(path)) from error
    if path.suffix.lower() in (".yaml", ".yml"):
        return _yaml(text, path)
    return _toml(text, path)


def _toml(text: str, path: Path) -> Any:
    import tomllib  # noqa: PLC0415

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"not TOML: {error}", path=str(path)) from error


def _yaml(text: str, path: Path) -> Any:
    import yaml  # noqa: PLC0415

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"not YAML: {_yaml_problem(error)}", path=str(path)) from error


def _yaml_problem(error: yaml.YAMLError) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if mark is None or problem is None:
        return " ".join(str(error).split())
    return f"{problem} (at line {mark.line + 1}, column {mark.column + 1})"

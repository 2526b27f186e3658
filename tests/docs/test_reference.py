# SPDX-License-Identifier: Apache-2.0
"""The reference pages are those that the code makes."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

import pytest
from pydantic import BaseModel

from penstock.config import model
from tests.conftest import ROOT


def maker() -> ModuleType:
    path = ROOT / "tools" / "make_reference.py"
    spec = importlib.util.spec_from_file_location("make_reference", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_reference"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["cli", "columns", "configuration", "metrics", "plugins", "sinks"])
def test_the_page_is_current(page: str) -> None:
    text = getattr(maker(), page)()
    stored = (ROOT / "docs" / "reference" / f"{page}.md").read_text(encoding="utf-8")
    assert stored == text, "run make docs"


def test_every_setting_has_its_docstring() -> None:
    for part in vars(model).values():
        if isinstance(part, type) and issubclass(part, BaseModel):
            for name, setting in part.model_fields.items():
                assert setting.description, f"{part.__name__}.{name}"


def test_every_part_of_the_graph_is_on_the_page() -> None:
    parts = {
        part
        for part in vars(model).values()
        if isinstance(part, type) and issubclass(part, model.Part) and part is not model.Part
    }
    assert parts == set(maker().PARTS.values())


def test_help_shows_examples_first() -> None:
    for command in maker().COMMANDS:
        lines = maker().help_page(command.split()).splitlines()
        assert lines[0].startswith("Usage: penstock")
        assert lines[2].strip() == "Examples:"

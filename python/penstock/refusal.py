# SPDX-License-Identifier: Apache-2.0
"""What to say about a value that a setting cannot have: pydantic's finding in our words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.naming import nearest

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


def refusal(detail: ErrorDetails) -> str:
    """What is wrong with the value and what is allowed, a line each."""
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "literal_error":
        allowed = str(context["expected"]).replace(" or ", ", ").replace("'", "")
        guess = nearest(str(value), allowed.split(", "))
        meant = f"; did you mean {guess!r}?" if guess else ""
        return f"{value!r} is not known{meant}; allowed: {allowed}"
    if kind == "refused":
        return str(detail["msg"])
    if kind == "value_error":
        return str(detail["msg"]).removeprefix("Value error, ")
    allowed = ALLOWED.get(kind, str(detail["msg"])).format(**context)
    return f"{_shown(value)} is not possible; allowed: {allowed}"


ALLOWED = {
    "bool_parsing": "true, false",
    "bool_type": "true, false",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number that is not so large",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "text",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
    "too_short": "{min_length} or more entries",
    "string_too_short": "text that is not empty",
    "string_pattern_mismatch": "letters, digits, '_', '-' and '.'",
}
"""What may stand where pydantic's check of that name failed."""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"

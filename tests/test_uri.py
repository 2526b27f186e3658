# SPDX-License-Identifier: Apache-2.0
"""Taking apart what people write."""

from __future__ import annotations

import pytest

from penstock.errors import ConfigError
from penstock.uri import Uri, parse_plugin, parse_sink


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("json:", Uri("json")),
        ("json", Uri("json")),
        ("json:-", Uri("json", "-")),
        ("json:a/b.jsonl", Uri("json", "a/b.jsonl")),
        (
            "parquet:flows/?rotate=5m&max_size=1MiB",
            Uri("parquet", "flows/", {"rotate": "5m", "max_size": "1MiB"}),
        ),
        ("csv:what%3Fnot.csv?columns=a%2Cb", Uri("csv", "what?not.csv", {"columns": "a,b"})),
    ],
)
def test_a_sink_is_taken_apart(text: str, expected: Uri) -> None:
    assert parse_sink(text) == expected


@pytest.mark.parametrize("text", ["json:a%20b?x=1", "parquet:d/?rotate=5m", "text:", "csv:a%3Fb"])
def test_what_is_put_together_again_means_the_same(text: str) -> None:
    assert parse_sink(str(parse_sink(text))) == parse_sink(text)


def test_a_plugin_has_options_and_no_place() -> None:
    assert parse_plugin("pstats?includezeroes=true") == Uri("pstats", "", {"includezeroes": "true"})


@pytest.mark.parametrize("text", ["json:?=x", "json:?a=1&a=2", "pstats?a=1&&b=2"])
def test_options_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_sink(text)


def test_an_option_that_is_only_named_is_true() -> None:
    assert parse_plugin("pstats?includezeroes").options == {"includezeroes": "true"}

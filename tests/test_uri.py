# SPDX-License-Identifier: Apache-2.0
"""Taking apart what people write."""

from __future__ import annotations

import pytest

from penstock.errors import ConfigError
from penstock.uri import Address, Uri, parse_address, parse_listen, parse_plugin, parse_sink


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
        ("ipfix+udp://[::1]:4739?mtu=9000", Uri("ipfix+udp", "//[::1]:4739", {"mtu": "9000"})),
        ("csv:what%3Fnot.csv?columns=a%2Cb", Uri("csv", "what?not.csv", {"columns": "a,b"})),
    ],
)
def test_a_sink_is_taken_apart(text: str, expected: Uri) -> None:
    assert parse_sink(text) == expected


@pytest.mark.parametrize(
    "text", ["json:a%20b?x=1", "parquet:d/?rotate=5m", "text:", "csv:a%3Fb", "ipfix+tcp://[::1]:1"]
)
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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("udp://:2055", ("udp", "", 2055)),
        ("2055", ("udp", "", 2055)),
        ("192.0.2.1:2055", ("udp", "192.0.2.1", 2055)),
        ("tcp://[2001:db8::1]:4739", ("tcp", "2001:db8::1", 4739)),
        ("udp://collector.example:0", ("udp", "collector.example", 0)),
    ],
)
def test_what_is_listened_on_is_taken_apart(text: str, expected: tuple[str, str, int]) -> None:
    listen = parse_listen(text)
    assert (listen.transport, *listen.address) == expected
    assert parse_listen(str(listen)) == listen


@pytest.mark.parametrize(
    "text", ["udp://", "sctp://:1", "::1:2055", "a b:1", ":65536", "", "udp://x"]
)
def test_what_cannot_be_listened_on_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_listen(text)


def test_an_address_may_leave_out_a_port_that_has_a_default() -> None:
    assert parse_address("192.0.2.1", port=4739) == Address("192.0.2.1", 4739)
    assert str(parse_address("[::1]", port=4739)) == "[::1]:4739"

# SPDX-License-Identifier: Apache-2.0
"""Exceptions, as the native half makes them and as people catch them."""

from __future__ import annotations

import pickle

import pytest

import penstock
from penstock import errors


@pytest.mark.parametrize("name", ["ConfigError", "DecodeError", "InternalError"])
def test_the_native_half_can_raise_it_with_a_message_alone(name: str) -> None:
    error = getattr(errors, name)("what is wrong")
    assert isinstance(error, penstock.PenstockError)
    assert str(error) == "what is wrong"


def test_a_configuration_error_points() -> None:
    error = errors.ConfigError("is missing", path="p.toml", at="caches.0.name")
    assert str(error) == "p.toml: caches.0.name: is missing"


def test_a_sink_error_says_whether_to_try_again() -> None:
    error = errors.SinkError("disk full", sink="json:x", retry=True)
    assert (str(error), error.retry) == ("json:x: disk full", True)


def test_a_decode_error_survives_a_trip_to_another_process() -> None:
    assert (
        str(pickle.loads(pickle.dumps(errors.DecodeError("x: octet 3: cut")))) == "x: octet 3: cut"
    )

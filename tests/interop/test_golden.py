# SPDX-License-Identifier: Apache-2.0
"""Flows of the golden captures against what tshark saw in their packets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import penstock
from tests.captures import GOLDEN, golden_captures, made_golden_captures
from tests.interop.judgement import Sums, by_judge, by_rows, judged

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.conftest import Golden

CAPTURES = [path for path in golden_captures() if Path(f"{path}.tshark.json").exists()]

SUMS_DIFFER = {
    "gre-routing.pcap": "source routes are not followed (RFC 2784, section 2.3)",
    "nested-10.pcap": "ten packets deep, and eight are looked into",
    "vxlan-not.pcap": "the judge looks inside by the port alone",
}
"""Captures of which the judge meters other packets than the innermost that is looked for."""

UNCOUNTED_OCTETS = {"ppp-direction.pcap": 1}
"""Octets of each frame that the judge leaves out of its length: the direction is no octet to it."""

CUT = {"file-cut.pcap", "file-cut-header.pcap", "file-ng-cut.pcapng"}


def meter(capture: Path, **settings: Any) -> list[dict[str, Any]]:
    """The rows; of a cut capture those up to the cut, for which there must be an error."""
    flows = penstock.meter(capture, **settings)
    rows: list[dict[str, Any]] = []
    if capture.name not in CUT:
        return list(flows.rows())
    with pytest.raises(penstock.DecodeError, match=capture.name):
        rows.extend(flows.rows())
    return rows


def counted(directions: Iterable[Sums]) -> tuple[int, int, int]:
    """Packets, octets and frame octets of all together: what a header that is cut leaves true."""
    sums = Sums()
    for one in directions:
        sums.add(one)
    return sums.packets, sums.octets, sums.l2_octets


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name)
@pytest.mark.parametrize("tunnel", ["inner", "outer"])
def test_flows_add_up_to_what_the_judge_saw(capture: Path, tunnel: Any) -> None:
    judgement = judged(Path(f"{capture}.tshark.json"))
    if tunnel == "inner" and capture.name in SUMS_DIFFER:
        pytest.skip(SUMS_DIFFER[capture.name])
    seen = by_rows(meter(capture, tunnel=tunnel))
    for packet in judgement["packets"]:
        packet["octets"] += UNCOUNTED_OCTETS.get(capture.name, 0)
    expected = by_judge(judgement["packets"], tunnel)
    if "unjudged" in judgement:
        assert counted(seen.values()) == counted(expected.values())
    else:
        assert seen == expected


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name)
def test_identifiers_of_tunnels_are_those_the_judge_saw(capture: Path) -> None:
    judgement = judged(Path(f"{capture}.tshark.json"))
    if "unjudged" in judgement:
        pytest.skip(f"tshark cannot say {judgement['unjudged']}")
    seen = by_rows(meter(capture))
    expected = by_judge(judgement["packets"], "inner")
    assert {key: sums.tunnel_id for key, sums in seen.items()} == {
        key: sums.tunnel_id for key, sums in expected.items()
    }


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name)
def test_rows_are_as_recorded(capture: Path, golden: Golden) -> None:
    rows = [_plain(row) for row in meter(capture)]
    golden.check(Path(f"{capture}.jsonl"), rows)


def test_compressed_captures_hold_the_same_flows() -> None:
    plain = meter(GOLDEN / "file-us-le.pcap")
    assert plain
    for suffix in (".gz", ".zst"):
        assert meter(GOLDEN / f"file-us-le.pcap{suffix}") == plain


def test_the_captures_are_what_the_generator_makes() -> None:
    for name, content in made_golden_captures().items():
        assert (GOLDEN / name).read_bytes() == content, f"{name}: run tools/make_golden_captures.py"


def test_each_capture_has_a_judgement_and_each_judgement_a_capture() -> None:
    judgements = {path.name.removesuffix(".tshark.json") for path in GOLDEN.glob("*.tshark.json")}
    assert judgements == {path.name for path in golden_captures() if path.suffix != ".zst"}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """The row as JSON can hold it."""
    return json.loads(json.dumps(row, default=lambda octets: octets.hex()))  # type: ignore[no-any-return]

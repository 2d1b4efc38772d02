"""Input that nobody would send unless they meant harm: a message, never a traceback.

Seeds first, each kept because it broke something or nearly did; then hypothesis on changed seeds.
Longer, guided by coverage: `python tests/fuzzing.py all --seconds 60`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.errors import UserError
from fuzzing import SEEDS, TARGETS, once

KEPT = [(path.parent.name, path) for path in sorted(SEEDS.glob("*/*"))]


@pytest.mark.parametrize(("target", "path"), KEPT, ids=[f"{t}-{p.name}" for t, p in KEPT])
def test_kept_seeds(target: str, path: Path) -> None:
    once(target, path.read_bytes())


def changed(target: str) -> st.SearchStrategy[bytes]:
    """Bytes at random, and seeds with a part cut out, doubled or put over."""
    seeds = st.sampled_from([p.read_bytes()[:4096] for p in sorted((SEEDS / target).glob("*"))])

    def change(seed: bytes, at: float, length: int, other: bytes) -> bytes:
        place = int(at * len(seed))
        return seed[:place] + other + seed[place + length :]

    parts = (seeds, st.floats(0, 1), st.integers(0, 40), st.binary(max_size=12))
    return st.one_of(st.binary(max_size=200), st.builds(change, *parts))


@pytest.mark.parametrize("target", TARGETS)
def test_changed_seeds(target: str) -> None:
    @settings(
        max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(changed(target))
    def fuzz(data: bytes) -> None:
        once(target, data)

    fuzz()


@pytest.mark.parametrize(
    ("target", "name", "said"),
    [
        ("zip", "climbs", "climb out of its folder"),
        ("zip", "windows", "climb out of its folder"),
        ("zip", "absolute", "climb out of its folder"),
        ("zip", "bomb", "far more than it takes"),
        ("zip", "within", "far more than it takes"),
        ("gzip", "bomb", "far more than it takes"),
        ("gzip", "cut", "broken or cut off"),
        ("yaml", "deep", "nested too deep"),
        ("yaml", "tag", "no YAML"),
        ("jsonl", "deep", "no JSON"),
        ("jsonl", "huge", "no Unicode"),
    ],
)
def test_the_message_says_what_is_wrong(target: str, name: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        TARGETS[target]((SEEDS / target / name).read_bytes())

"""Two editions of figures: every kind of difference, and nothing made of float noise."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.methods.vintages import revisions

KEY = ("metric", "market")


def edition(values: dict[tuple[str, str | None], float]) -> pd.DataFrame:
    rows = [(*key, value) for key, value in values.items()]
    return pd.DataFrame(rows, columns=[*KEY, "value"])


def test_each_kind_of_difference() -> None:
    earlier = edition({("rate", "JP"): 0.911, ("rate", None): 0.5, ("gone", "JP"): 3.0})
    later = edition({("rate", "JP"): 0.912, ("rate", None): 0.5, ("new", "JP"): 4.0})
    found = revisions(earlier, later, KEY)
    assert found.both == 2
    assert found.changed.to_dict("records") == [
        {"metric": "rate", "market": "JP", "earlier": 0.911, "later": 0.912}
    ]
    assert found.withdrawn["metric"].tolist() == ["gone"]
    assert found.added["later"].tolist() == [4.0]


def test_float_noise_is_no_restatement() -> None:
    found = revisions(
        edition({("rate", "JP"): 0.911}), edition({("rate", "JP"): 0.9109999999999999}), KEY
    )
    assert (found.both, len(found.changed)) == (1, 0)


def test_a_doubled_key_is_refused() -> None:
    twice = pd.concat([edition({("rate", None): 1.0})] * 2)
    with pytest.raises(ValueError, match="twice in the later"):
        revisions(edition({}), twice, KEY)


figures = st.dictionaries(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["JP", "DE", None])), st.floats(0.1, 1)
)


@given(figures, figures)
def test_every_key_is_counted_once(
    before: dict[tuple[str, str | None], float], after: dict[tuple[str, str | None], float]
) -> None:
    found = revisions(edition(before), edition(after), KEY)
    assert found.both == len(before.keys() & after.keys())
    assert len(found.withdrawn) == len(before.keys() - after.keys())
    assert len(found.added) == len(after.keys() - before.keys())
    assert len(revisions(edition(before), edition(before), KEY).changed) == 0

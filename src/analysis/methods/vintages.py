"""Two editions of the same figures: what was changed, taken back or filled in afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Revisions:
    """A later edition against an earlier one.

    Attributes:
        both: keys that both have.
        changed: the keys whose value differs: key columns, `earlier`, `later`.
        withdrawn: key columns and `earlier` of those that the later edition lacks.
        added: key columns and `later` of those that the earlier edition lacked.
    """

    both: int
    changed: pd.DataFrame
    withdrawn: pd.DataFrame
    added: pd.DataFrame


def revisions(
    earlier: pd.DataFrame,
    later: pd.DataFrame,
    key: Sequence[str],
    *,
    value: str = "value",
    tolerance: float = 1e-9,
) -> Revisions:
    """Compares two editions by key; an empty key is a key like any other.

    Args:
        earlier, later: `key` columns and `value`; give both for the same periods.
        key: what tells figures apart; must do so in both.
        value: the column of figures.
        tolerance: a relative difference up to it is noise of the file format.

    Raises:
        ValueError: a key stands twice in one of them.
    """
    keys = list(key)
    for name, frame in (("earlier", earlier), ("later", later)):
        if frame.duplicated(keys).any():
            raise ValueError(f"revisions: a key stands twice in the {name} edition")
    old, new = (
        frame[[*keys, value]].rename(columns={value: name})
        for frame, name in ((earlier, "earlier"), (later, "later"))
    )
    # pandas joins empty keys to each other, which is what is meant here.
    joined = old.merge(new, how="outer", on=keys, indicator="side")
    same = joined[joined["side"] == "both"].drop(columns="side")
    differs = ~np.isclose(
        same["earlier"].astype(float), same["later"].astype(float), rtol=tolerance, atol=0
    )
    return Revisions(
        len(same),
        same[differs].reset_index(drop=True),
        _one_side(joined, "left_only", [*keys, "earlier"]),
        _one_side(joined, "right_only", [*keys, "later"]),
    )


def _one_side(joined: pd.DataFrame, side: str, columns: list[str]) -> pd.DataFrame:
    return joined.loc[joined["side"] == side, columns].reset_index(drop=True)

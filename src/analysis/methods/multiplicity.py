"""Many comparisons at once: how few of the ones called a change may be chance."""

from __future__ import annotations

import numpy as np

from analysis.methods.buckets import Floats


def benjamini_hochberg(p_values: Floats) -> Floats:
    """Adjusted p-values; calling all below q keeps the share of false calls at q or less.

    Benjamini and Hochberg (1995, Journal of the Royal Statistical Society B 57, 289-300); holds
    for independent and for positively dependent tests (Benjamini and Yekutieli 2001). Where
    nothing has changed at all, the chance of even one false call is at most q.

    Args:
        p_values: shape `(m,)`; nan (a comparison that can't be made) stays nan and isn't counted.

    >>> benjamini_hochberg(np.array([0.01, 0.04, np.nan, 0.02])).round(3).tolist()
    [0.03, 0.04, nan, 0.03]
    """
    adjusted = np.full(len(p_values), np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known])]
    scaled = p_values[order] * len(order) / np.arange(1, len(order) + 1)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return adjusted

"""The share that ends within a time, when some still wait: Kaplan and Meier's, with clusters.

Who still waits counts until now and no longer (Kaplan and Meier 1958, Journal of the American
Statistical Association 53, 457-481). Each row's influence on the curve is summed within clusters
(Williams 1995, Biometrics 51, 1348-1364); the limits are taken on the complementary log-log scale,
where they stay within 0 and 1 (Kalbfleisch and Prentice 1980, section 1.3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.methods.buckets import Floats
from analysis.methods.clustered import Codes


@dataclass(frozen=True)
class Ended:
    """The share that ended within each time, 0 to 1, with its interval.

    Attributes:
        times: as they were asked for.
        share, low, high: nan beyond the longest wait seen.
        at_risk: rows that had neither ended nor left before each time.
    """

    times: Floats
    share: Floats
    low: Floats
    high: Floats
    at_risk: Floats


def ended_within(
    waited: Floats,
    ended: NDArray[np.bool_],
    cluster: Codes,
    times: Floats,
    *,
    confidence: float = 0.95,
) -> Ended:
    """The share of rows that end within each of some times.

    Args:
        waited: from the start to the end, or until now; 0 or more.
        ended: whether it ended.
        cluster: codes of rows that are alike.
        times: in the unit of `waited`.
        confidence: of the intervals.
    """
    order = np.argsort(waited, kind="stable")
    wait, end, of = waited[order], ended[order].astype(float), cluster[order]
    points, first = np.unique(wait, return_index=True)
    events = np.add.reduceat(end, first)
    risk = len(wait) - first.astype(float)
    stay = np.cumprod(1 - events / risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Greenwood's weights: what one event at a point adds to the cumulative hazard.
        gain = np.where(risk > events, 1 / (risk - events), 0.0)
    hazard = np.cumsum(gain * events / risk)
    place = np.repeat(np.arange(len(points)), np.diff(np.append(first, len(wait))))
    last = np.searchsorted(points, times, side="right") - 1
    found = [_at(at, stay, gain, hazard, place, end, of, confidence) for at in last]
    share, low, high = (np.array(column) for column in zip(*found, strict=True))
    beyond = np.asarray(times) > points[-1] + 1e-9
    share, low, high = (np.where(beyond, np.nan, each) for each in (share, low, high))
    return Ended(
        np.asarray(times, float),
        share,
        low,
        high,
        (wait[None] >= np.c_[times]).sum(1).astype(float),
    )


def _at(
    at: int,
    stay: Floats,
    gain: Floats,
    hazard: Floats,
    place: Codes,
    end: Floats,
    of: Codes,
    confidence: float,
) -> tuple[float, float, float]:
    if at < 0:
        return 0.0, 0.0, 0.0
    capped = np.minimum(place, at)
    influence = np.where((end > 0) & (place <= at), gain[capped], 0.0) - hazard[capped]
    sums = np.bincount(of, influence)
    used = np.unique(of).size
    error = np.sqrt(np.sum(sums**2) * used / max(used - 1, 1))  # of the log of who still waits
    left = float(stay[at])
    if not 0 < left < 1:
        return 1 - left, np.nan, np.nan
    z = -special.ndtri((1 - confidence) / 2)
    reach = np.exp(z * error / abs(np.log(left)))
    ends = left ** np.array([reach, 1 / reach])  # fewer still wait, more still wait
    return 1 - left, float(1 - ends[1]), float(1 - ends[0])

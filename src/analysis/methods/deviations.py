"""Which groups deviate from the others, in which direction, with many looked at at once.

Two questions, which a reader must not mix up:

* *Does this group differ* from the others by more than a margin that matters, beyond chance? A
  test of `|difference| <= margin` (McCarthy and Smyth 2009, Bioinformatics 25, 765-771), with
  false discoveries held by Benjamini and Hochberg (1995). With many labels even usual differences
  between languages are beyond chance, and each of these calls is true.
* *Does it stand out* even among groups that differ anyway? The null is then not "all alike" but
  the spread between the groups as it is (Efron 2004, Journal of the American Statistical
  Association 99, 96-104; Spiegelhalter 2005, Quality and Safety in Health Care 14, 347-351),
  taken from the other groups, robustly, on the logit scale.

The others' middle is a winsorised mean (Tukey and McLaughlin 1963): one odd group must not move
what all are compared with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from analysis.methods.buckets import Floats
from analysis.methods.clustered import Shares
from analysis.methods.multiplicity import benjamini_hochberg

#: Of the other groups, the part at each end that is pulled in; one at least from 4 groups on.
WINSORISED = 0.2
#: With fewer other groups their spread is not known.
FEWEST_FOR_SPREAD = 6
#: Over fewer strata nothing is said.
FEWEST_STRATA = 3


@dataclass(frozen=True)
class Deviations:
    """Each group against the others, arrays of one value a group; nan where it can't be said.

    Attributes:
        others: the middle of the other groups' shares.
        difference, low, high: the group's share minus that, with its interval.
        p_value: adjusted (Benjamini and Hochberg), of a difference within the margin.
        spread_p_value: adjusted, of being as far out among groups that spread like the others.
        differs: +1 above, -1 below by more than the margin; 0: not called.
        stands_out: the same against the spread between groups.
    """

    others: Floats
    difference: Floats
    low: Floats
    high: Floats
    p_value: Floats
    spread_p_value: Floats
    differs: NDArray[np.int64]
    stands_out: NDArray[np.int64]


def deviations(
    shares: Shares,
    usable: NDArray[np.bool_],
    *,
    margin: float,
    false_calls: float = 0.05,
    confidence: float = 0.95,
) -> Deviations:
    """Each group's share against the middle of the others'.

    Args:
        shares: from `clustered.clustered_shares`.
        usable: groups with enough rows; the others are neither judged nor compared with.
        margin: a difference no larger than this does not matter, such as 0.03.
        false_calls: of the calls, at most this share is expected to be chance.
        confidence: of the intervals of the differences.
    """
    usable = usable & np.isfinite(shares.value) & np.isfinite(shares.variance)
    size = len(shares.value)
    columns = np.full((5, size), np.nan)
    for at in np.flatnonzero(usable):
        rest = usable.copy()
        rest[at] = False
        if rest.sum() >= 2:
            columns[:, at] = _one(shares, int(at), rest, margin, confidence)
    others, low, high, p_value, spread = columns
    difference = shares.value - others
    adjusted, outside = benjamini_hochberg(p_value), benjamini_hochberg(spread)
    sign = np.sign(np.nan_to_num(difference)).astype(np.int64)
    differs = np.where(adjusted <= false_calls, sign, 0)
    # What stands out must also differ: a spread can't be told from noise of small groups.
    stands = np.where((outside <= false_calls) & (differs != 0), sign, 0)
    return Deviations(others, difference, low, high, adjusted, outside, differs, stands)


def _one(
    shares: Shares, at: int, rest: NDArray[np.bool_], margin: float, confidence: float
) -> tuple[float, float, float, float, float]:
    values, variances = shares.value[rest], shares.variance[rest]
    centre, share_of = _winsorised(values)
    noise = float(np.sum(share_of**2 * variances))
    value = float(shares.value[at])
    difference = value - centre
    below, above = value - float(shares.low[at]), float(shares.high[at]) - value
    z = -special.ndtri((1 - confidence) / 2)
    low = difference - np.hypot(below, z * np.sqrt(noise))
    high = difference + np.hypot(above, z * np.sqrt(noise))
    # The side of the interval that looks towards the others (Zou and Donner 2008).
    side = below if difference > 0 else above
    error = np.hypot(side / z, np.sqrt(noise))
    nearer, further = (abs(difference) - margin) / error, (abs(difference) + margin) / error
    p_value = float(special.ndtr(-nearer) + special.ndtr(-further)) if error > 0 else np.nan
    return centre, low, high, min(p_value, 1.0), _spread(shares, at, rest)


def _winsorised(values: Floats) -> tuple[float, Floats]:
    """The winsorised mean, and each value's weight in it."""
    pulled = int(np.ceil(WINSORISED * len(values) - 1e-9)) if len(values) >= 4 else 0
    pulled = min(pulled, (len(values) - 1) // 2)
    order = np.argsort(values)
    weight = np.zeros(len(values))
    inner = order[pulled : len(values) - pulled]
    weight[inner] = 1.0
    weight[inner[0]] += pulled
    weight[inner[-1]] += pulled
    weight /= len(values)
    return float(np.sum(weight * values)), weight


def _spread(shares: Shares, at: int, rest: NDArray[np.bool_]) -> float:
    """The chance that one more group of the others' spread lies as far out, on the logit scale."""
    count = int(rest.sum())
    if count < FEWEST_FOR_SPREAD:
        return np.nan
    rows = shares.rows
    # Half an event more at each end, so that none and all have a logit.
    near = (shares.value * rows + 0.5) / (rows + 1)
    logit, noise = special.logit(near), shares.variance / (near * (1 - near)) ** 2
    values = np.sort(logit[rest])
    pulled = max(1, int(0.1 * count))
    inner = np.clip(values, values[pulled], values[-1 - pulled])
    spread = np.sum((inner - inner.mean()) ** 2) / (count - 1) / _shrunk(pulled / count)
    # A small group is noisier than the others, and may lie further out.
    spread += max(0.0, float(noise[at] - np.median(noise[rest])))
    distance = abs(logit[at] - inner.mean()) / np.sqrt(spread * (1 + 1 / count))
    return float(2 * stats.t.sf(distance, count - 2 * pulled - 1))


def _shrunk(part: float) -> float:
    """What winsorising leaves of a normal variance."""
    edge = float(stats.norm.isf(part))
    return 1 - 2 * part - 2 * edge * float(stats.norm.pdf(edge)) + 2 * part * edge**2


@dataclass(frozen=True)
class Across:
    """The mean of each kind's distances over several strata, arrays of one value a kind.

    Attributes:
        count: strata that have the kind.
        mean, low, high: of the distances, with the interval over strata.
        p_value: adjusted, of a mean within the margin; nan with fewer than three strata.
    """

    count: NDArray[np.int64]
    mean: Floats
    low: Floats
    high: Floats
    p_value: Floats


def across(gaps: Floats, *, margin: float, confidence: float = 0.95) -> Across:
    """Whether kinds lie away from the others in stratum after stratum.

    Strata are the sample: the spread of a kind's distances between them is its uncertainty, so
    that one odd stratum calls nothing.

    Args:
        gaps: kinds by strata, the distance from the other kinds; nan where a kind is not there.
        margin, confidence: as in `deviations`.
    """
    known = np.isfinite(gaps)
    count = known.sum(1)
    enough = count >= FEWEST_STRATA
    filled, size = np.where(known, gaps, 0.0), np.maximum(count, 1)
    mean = filled.sum(1) / size
    squares = np.where(known, (gaps - mean[:, None]) ** 2, 0.0).sum(1)
    error = np.sqrt(squares / np.maximum(count - 1, 1) / size)
    degrees = np.maximum(count - 1, 1)
    reach = stats.t.ppf((1 + confidence) / 2, degrees) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        nearer, further = (np.abs(mean) - margin) / error, (np.abs(mean) + margin) / error
    p_value = np.minimum(stats.t.sf(nearer, degrees) + stats.t.sf(further, degrees), 1.0)
    judged = np.where(enough & (error > 0), p_value, np.nan)
    shown = np.where(count > 0, mean, np.nan)
    return Across(count, shown, shown - reach, shown + reach, benjamini_hochberg(judged))

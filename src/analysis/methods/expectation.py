"""What a number was expected to be in each window, from the windows before it.

A structural time series (Harvey 1989, Forecasting, Structural Time Series Models and the Kalman
Filter, chapter 4) in its marginal form. On a scale where effects add, a series is

    level + trend + seasons + holidays + known shifts + process + sampling error,

the sampling error with the variance that is known of each window (Fay and Herriot 1979, Journal of
the American Statistical Association 74, 269-277; Pfeffermann 1991, Journal of Business and Economic
Statistics 9, 163-175), the process autoregressive of the first order: what moves from window to
window beyond sampling. Level and effects are normal with a wide and a modest spread around zero, so
all values are jointly normal with one covariance. The factor L of its Cholesky decomposition gives
every one-step-ahead prediction at once: row t of `inv(L) y` is what window t was away from its
prediction by the windows before, in units of `L[t, t]`, its standard error (Rasmussen and Williams
2006, Gaussian Processes for Machine Learning, section 2.7 and algorithm 2.1).

The process's two numbers are learned from a first part of the series (phase I) and held for the
rest, which is watched (phase II; Montgomery 2012, Statistical Quality Control, chapter 5). They are
never known for sure: predictions are averaged over a grid of them, each weighed by its likelihood
(Hoeting, Madigan, Raftery and Volinsky 1999, Statistical Science 14, 382-417).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri, stdtr, stdtrit

from analysis.methods.buckets import Floats

#: Spread of the level around the mean of the first part, of a year's trend, of the yearly season's
#: two waves, of weekdays and of a window of holidays alone, on the scale of logarithms.
LEVEL, TREND, YEARLY, WEEKDAY, HOLIDAY, SHIFT = 3.0, 0.3, (0.15, 0.07), 0.2, 0.3, 1.5
#: The process: its correlation from a window to the next, its variance over the sampling's.
CORRELATIONS = (0.3, 0.8, 0.98)
RATIOS = (0.02, 0.2, 0.7, 3.0, 20.0, 300.0)
#: Before so many values nothing is expected.
FEWEST = 13
#: How large errors are, squared and over those predicted: what is believed of it before, and how
#: many windows that belief is worth; the largest square that is learned; how many numbers were.
BELIEF, PRIOR, LARGEST, LEARNED = 1.25, 10.0, 9.0, 2
#: The variance of a value that is not there: it tells next to nothing.
_MISSING = 1e4


@dataclass(frozen=True)
class Terms:
    """What moves the level from window to window.

    Attributes:
        columns: shape `(n, k)`.
        spread: standard deviation of each effect around zero, shape `(k,)`.
    """

    columns: Floats
    spread: Floats

    @property
    def covariance(self) -> Floats:
        scaled = self.columns * self.spread
        found: Floats = scaled @ scaled.T
        return found


def terms(years: Floats, holidays: Floats, weekdays: Floats | None = None) -> Terms:
    """Level, trend, yearly season and holidays; the season of the week where windows are days.

    Args:
        years: the middle of each window, in years, shape `(n,)`.
        holidays: the share of each window's days that are public holidays.
        weekdays: 0 to 6, where windows are days.
    """
    angle = 2 * np.pi * years
    made = [(np.ones_like(years), LEVEL), (years - years.mean(), TREND), (holidays, HOLIDAY)]
    for wave, spread in enumerate(YEARLY, 1):
        made += [(np.cos(wave * angle), spread), (np.sin(wave * angle), spread)]
    if weekdays is not None:
        made += [((weekdays == day).astype(float), WEEKDAY) for day in range(7)]
    columns, spreads = zip(*made, strict=True)
    return Terms(np.column_stack(columns), np.array(spreads))


@dataclass(frozen=True)
class Expectation:
    """One-step-ahead predictions of several series; arrays have the shape `(m, n)`.

    Attributes:
        middle, low, high: the prediction and its interval; nan where nothing can be said.
        score: how far the value lay away, as a standard normal deviate; nan where it is missing.
        seen: by how much a lasting move by one from the first watched window on moves the scores:
            0 before it, then fading as the expectation follows.
    """

    middle: Floats
    low: Floats
    high: Floats
    score: Floats
    seen: Floats


def expect(
    values: Floats,
    variance: Floats,
    made: Terms,
    *,
    watched: int,
    shifts: Sequence[Sequence[int]] = (),
    confidence: float = 0.95,
) -> Expectation:
    """What each window of several series was expected to be from those before it.

    Args:
        values: on a scale where effects add (logarithms, logits), oldest first, shape `(m, n)`;
            nan where there is none.
        variance: of their sampling errors, alike in shape; not zero.
        made: what moves the level, over the same windows.
        watched: how many windows at the end are watched and not learned from.
        shifts: for each series, the windows at which its level is known to have shifted.
        confidence: of the intervals.
    """
    known = np.isfinite(values) & np.isfinite(variance)
    learned = known & (np.arange(values.shape[1]) < values.shape[1] - watched)
    centre = _mean(values, learned | ~learned.any(1, keepdims=True) & known)
    y, noise = np.where(known, values - centre, 0.0), np.where(known, variance, _MISSING)
    typical = np.array(
        [
            np.median(row[mask]) if mask.any() else 1.0
            for row, mask in zip(noise, known, strict=True)
        ]
    )
    base = (
        made.covariance
        + _shifted(shifts, *values.shape)
        + noise[:, :, None] * np.eye(values.shape[1])
    )
    fitted = _fitted(y, base, typical, learned, watched)
    away, count = (y - fitted.middle) / fitted.error, learned.sum(1, keepdims=True)
    squares = np.where(learned, np.minimum(away**2, LARGEST), 0.0).sum(1, keepdims=True)
    degrees = PRIOR + np.maximum(count - LEARNED, 0)
    scale = np.sqrt((PRIOR * BELIEF + squares) / degrees)
    told = (np.cumsum(known, axis=1) - known >= FEWEST) & np.isfinite(variance)
    middle = np.where(told, fitted.middle + centre, np.nan)
    error = np.where(known, 0, np.nan_to_num(variance) - _MISSING) + fitted.error**2
    reach = stdtrit(degrees, (1 + confidence) / 2) * scale * np.sqrt(np.maximum(error, 0))
    score = -np.sign(away) * ndtri(stdtr(degrees, -np.abs(away) / scale))
    score = np.where(told & known, score, np.nan)
    seen = fitted.seen / fitted.error / scale
    return Expectation(middle, middle - reach, middle + reach, score, seen)


def _mean(values: Floats, chosen: Floats) -> Floats:
    count = np.maximum(chosen.sum(1, keepdims=True), 1)
    found: Floats = np.where(chosen, values, 0.0).sum(1, keepdims=True) / count
    return found


def _shifted(shifts: Sequence[Sequence[int]], series: int, windows: int) -> Floats:
    """What known shifts add to the covariances, shape `(m, n, n)`."""
    found = np.zeros((series, windows, windows))
    for at, own in enumerate(shifts):
        for first in own:
            found[at, first:, first:] += SHIFT**2
    return found


class _Fitted(NamedTuple):
    """Predictions with their errors, over all processes; what a unit move from the first watched
    window on leaves unpredicted."""

    middle: Floats
    error: Floats
    seen: Floats


def _fitted(y: Floats, base: Floats, typical: Floats, learned: Floats, watched: int) -> _Fitted:
    """Each process's predictions, weighed by how likely the process is.

    The values and the move are two more rows of the covariance: what stands in these rows of its
    factor is `inv(L) y` and `inv(L) move`.
    """
    series, windows = y.shape
    places = np.arange(windows)
    apart = np.abs(np.subtract.outer(places, places))
    whole = np.zeros((series, windows + 2, windows + 2))
    whole[:, windows, :windows] = y
    whole[:, windows + 1, windows - watched : windows] = 1
    whole[:, [windows, windows + 1], [windows, windows + 1]] = 1e12
    found = []
    for correlation, ratio in product(CORRELATIONS, RATIOS):
        process, values = correlation**apart, whole[:, :windows, :windows]
        np.multiply((ratio * typical)[:, None, None], process, out=values)
        values += base
        made = np.linalg.cholesky(whole)  # it reads the lower half
        error, away, moved = made[:, places, places], made[:, windows], made[:, windows + 1]
        square = np.minimum(away[:, :windows] ** 2, LARGEST)
        likelihood = -np.where(learned, np.log(error) + square / 2, 0).sum(1)
        found.append((likelihood, y - error * away[:, :windows], error, error * moved[:, :windows]))
    likely, middles, errors, seen = (np.array(each) for each in zip(*found, strict=True))
    weight = np.exp(likely - likely.max(0))[..., None]
    weight /= weight.sum(0)
    middle = (weight * middles).sum(0)
    square = (weight * (errors**2 + (middles - middle) ** 2)).sum(0)
    return _Fitted(middle, np.sqrt(square), (weight * seen).sum(0))

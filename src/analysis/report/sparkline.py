"""A number's last windows as a small picture in a line of text, with what it shows in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from markupsafe import Markup, escape

from analysis.report.i18n import gettext
from analysis.report.summary import Number, Summary
from analysis.report.words import Words

#: Windows of a picture; a quarter of weeks.
COUNT = 13
WIDTH, HEIGHT, EDGE = 64, 18, 2


def sparkline(series: Sequence[tuple[Summary, Number]], said: Words) -> Markup:
    """A line through a finding's numbers, a band for their intervals, a dot for the last.

    Windows stand where they lie in time, so that one that is missing leaves its room. Empty where
    there are fewer than two numbers.

    Args:
        series: runs with the finding's number, the oldest first.
        said: the words of the page's language.
    """
    known = [(run, each) for run, each in series if each.value is not None]
    if len(known) < 2:
        return Markup()
    drawn = tuple(
        (
            run.end.toordinal(),
            _or(each.value, 0),
            _or(each.low, each.value),
            _or(each.high, each.value),
        )
        for run, each in known
    )
    return Markup(  # noqa: S704  # numbers, and words that are escaped
        f'<svg class="spark" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(_words(known, said))}">{_picture(drawn)}</svg>'
    )


@lru_cache(4096)
def _picture(drawn: tuple[tuple[int, float, float, float], ...]) -> str:
    """The shapes, the same in every language: of each window its day, value, low and high."""
    days, values, lows, highs = zip(*drawn, strict=True)
    x = _scaled(days, EDGE, WIDTH - EDGE - 1)
    y = _scaled([*values, *lows, *highs], HEIGHT - EDGE, EDGE)
    count = len(drawn)
    line, low, high = y[:count], y[count : 2 * count], y[2 * count :]
    band = _points([*zip(x, high, strict=True), *zip(x[::-1], low[::-1], strict=True)])
    return (
        f'<polygon points="{band}"/><polyline points="{_points(zip(x, line, strict=True))}"/>'
        f'<circle cx="{x[-1]:g}" cy="{line[-1]:g}" r="2"/>'
    )


def _words(known: Sequence[tuple[Summary, Number]], said: Words) -> str:
    first, last = known[0], known[-1]
    ordered = sorted(_or(each.value, 0) for _, each in known)
    given = {
        "count": said.number(len(known)),
        "start": first[0].window,
        "end": last[0].window,
        "first": said.value(first[1].value, first[1].unit, first[1].noun),
        "last": said.value(last[1].value, last[1].unit, last[1].noun),
        "lowest": said.value(ordered[0], last[1].unit, last[1].noun),
        "highest": said.value(ordered[-1], last[1].unit, last[1].noun),
    }
    return (
        gettext(
            "%(count)s windows: %(first)s in %(start)s, %(last)s in %(end)s; "
            "lowest %(lowest)s, highest %(highest)s"
        )
        % given
    )


def _or(value: float | None, otherwise: float | None) -> float:
    return float(value if value is not None else otherwise or 0)


def _scaled(numbers: Sequence[float], start: float, end: float) -> list[float]:
    """Numbers between two places, to a tenth of a pixel; in the middle where they are all one."""
    low, high = min(numbers), max(numbers)
    span = high - low
    if not span:
        return [(start + end) / 2] * len(numbers)
    return [round(start + (end - start) * (each - low) / span, 1) for each in numbers]


def _points(pairs: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in pairs)

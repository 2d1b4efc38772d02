"""Meta's Community Standards Enforcement Report as CSV (2017-Q4 to 2023-Q3): values as text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from analysis.sources.published.facts import Dropped, Fact, Format, count, number, quarter, share
from analysis.sources.territories import fold

COLUMNS = ("app", "policy_area", "metric", "period", "value")
PUBLISHERS: Final = {"facebook": "facebook", "instagram": "instagram"}

COUNTS: Final = {
    "content actioned": "content_actioned",
    "content appealed": "content_appealed",
    "content restored with appeal": "content_restored_after_appeal",
    "content restored without appeal": "content_restored_without_appeal",
}
SHARES: Final = {
    "proactive rate": "proactive_rate",
    "prevalence": "prevalence",
    "lowerbound prevalence": "prevalence_lower",
    "upperbound prevalence": "prevalence_upper",
    "ubp": "prevalence_upper",
}
_MISSING: Final = {"", "n a", "na", "null"}
_PERCENT = r"(\d+(?:\.\d+)?)\s*%"


def read(row: Mapping[str, str]) -> list[Fact]:
    """A row's figures: one, or two where the value is a range.

    Raises:
        Dropped: the value is not available, or something is not known.
    """
    publisher = PUBLISHERS.get(fold(row["app"]))
    if publisher is None:
        raise Dropped(f"the app {row['app']!r} is not known")
    if fold(row["value"]) in _MISSING:
        raise Dropped("not available (N/A)")
    start, end = quarter(re.sub(r"^(\d{4})(Q\d)$", r"\1-\2", row["period"]))
    values, unit = _values(row["metric"], row["value"].strip())
    policy = row["policy_area"].strip()
    return [
        Fact(publisher, metric, start, end, None, policy, None, value, unit)
        for metric, value in values.items()
    ]


def _values(name: str, text: str) -> tuple[dict[str, float], str]:
    key = fold(name)
    if key in COUNTS:
        return {COUNTS[key]: count(number(text.replace(",", "")))}, "count"
    if key not in SHARES:
        raise Dropped(f"the metric {name!r} is not known")
    return _shares(SHARES[key], text), "share"


def _shares(metric: str, text: str) -> dict[str, float]:
    """Shares by metric: `4%-5%` is a lower and an upper one, `<0.05%` an upper one alone."""
    if found := re.fullmatch(_PERCENT, text):
        return {metric: _share(found[1])}
    stem = metric.removesuffix("_lower").removesuffix("_upper")
    if found := re.fullmatch(rf"{_PERCENT}\s*[-–]\s*{_PERCENT}", text):
        return {f"{stem}_lower": _share(found[1]), f"{stem}_upper": _share(found[2])}
    if found := re.fullmatch(rf"[<≤]\s*{_PERCENT}", text):
        return {f"{stem}_upper": _share(found[1])}
    raise Dropped("the value is no percentage")


def _share(percent: str) -> float:
    return share(round(number(percent) / 100, 12))


META = Format("Meta", COLUMNS, tuple(PUBLISHERS.values()), read)

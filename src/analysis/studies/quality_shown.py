"""Charts and tables of the rates and deviations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.figures.displays import Column, Figure, Table
from analysis.figures.sides import Panel, Range, range_panels
from analysis.methods.clustered import clustered_shares
from analysis.studies.findings import Finding
from analysis.studies.quality_deviations import Family, InLanguages
from analysis.studies.quality_labels import SIDES, Labels, recoded
from analysis.studies.quality_points import whose
from analysis.studies.words import language_name, percent

UNTRUSTED = "not to be trusted: few items, people or errors"
SHOWN = (
    Column("kind", "Kind"),
    Column("side", "Side"),
    Column("labels", "Labels", "count"),
    Column("share", "Errors", "share"),
    Column("low", "from", "share"),
    Column("high", "to", "share"),
    Column("others", "Others' middle", "share"),
    Column("difference_points", "Difference, points", "number"),
    Column("p", "Adjusted p"),
    Column("call", "Call"),
    Column("interval", "Interval"),
)


def language_figure(labels: Labels, families: Sequence[Family]) -> Figure:
    """Every language on both sides."""
    own = {language_name(code) for code in labels.languages}
    shown = [family for family in families if family.shown.any()]
    panels = [_panel(family, family.frame(), own) for family in shown]
    worse = [each.name for family in shown for each in family.worse]
    title = "Errors against known answers by language"
    many = "1 errs" if len(set(worse)) == 1 else f"{len(set(worse))} err"
    title += f": {many} more than the others" if worse else ": none clearly errs more"
    return Figure(
        name="languages",
        title=title,
        alt=_alt(shown),
        caption=_caption(labels),
        data=_stacked(shown),
        svg=range_panels("languages", panels, called=_CALLED, middle="the languages' middle"),
    )


def kind_figures(labels: Labels, families: Sequence[InLanguages]) -> list[Figure]:
    """The kinds of the run's own items, a chart for each attribute, furthest out first."""
    by_attribute: dict[str, list[Family]] = {}
    for each in families:
        if each.own.shown.any():
            by_attribute.setdefault(each.own.attribute, []).append(each.own)
    return [_kinds(labels, name, own) for name, own in by_attribute.items()]


def _kinds(labels: Labels, attribute: str, families: Sequence[Family]) -> Figure:
    top = labels.study.parameters.top
    panels = [_panel(family, family.frame().head(top), set()) for family in families]
    worse = [each.name for family in families for each in family.worse]
    title = f"Errors by {attribute}, {whose(labels)}"
    many = "1 kind has" if len(worse) == 1 else f"{len(worse)} kinds have"
    title += f": {many} more than the others" if worse else ": none clearly has more"
    more = max(len(family.frame()) for family in families) - top
    caption = _caption(labels)
    if more > 0:
        caption += f" The {top} furthest above the others on each side; the data have all."
    return Figure(
        name=f"kinds_{_slug(attribute)}",
        title=title,
        alt=_alt(families),
        caption=caption,
        data=_stacked(families),
        svg=range_panels(
            f"kinds_{_slug(attribute)}", panels, called=_CALLED, middle="the kinds' middle"
        ),
    )


def _slug(text: str) -> str:
    """A name from data as a part of a file's name."""
    kept = "".join(c if c.isascii() and c.isalnum() else "_" for c in text.lower())
    return kept.strip("_") or "other"


SOURCE = "Source: reviewers' labels of items with a known answer."
_CALLED = "more errors than the others, called"


def _panel(family: Family, frame: pd.DataFrame, own: set[str]) -> Panel:
    called = {each.name for each in family.worse}
    rows = [
        Range(name, share, low, high, name in called, name in own)
        for name, share, low, high in zip(
            *(frame[column].tolist() for column in ("kind", "share", "low", "high")), strict=True
        )
    ]
    middle = float(np.median(family.frame()["share"]))
    side = family.side
    more = "labelled as violating" if not side.violating else "labelled as harmless"
    items = "violating" if side.violating else "harmless"
    return Panel(f"Of {items} items, {more} (more: {side.direction})", rows, middle)


def _alt(families: Sequence[Family]) -> str:
    parts = []
    for family in families:
        frame = family.frame()
        first, last = frame.iloc[0], frame.iloc[-1]
        called = ", ".join(f"{each.name} {percent(each.value)}" for each in family.worse)
        text = f"{family.side.title}, {len(frame)} rows: from {first['kind']} "
        text += f"{percent(first['share'])} ({percent(first['low'])} to {percent(first['high'])}) "
        text += f"down to {last['kind']} {percent(last['share'])}"
        parts.append(f"{text}; called {family.side.direction}: {called or 'none'}.")
    return "Shares with intervals. " + " ".join(parts)


def _caption(labels: Labels) -> str:
    limits, confidence = labels.study.spec.thresholds, labels.study.parameters.confidence
    return (
        f"{SOURCE} {labels.study.window}. Lines are {confidence:.0%} intervals of each row by "
        "itself, "
        f"labels kept together by item{' and reviewer' if labels.has_raters else ''}. A square is "
        f"called: more than {100 * limits['margin']:g} points above the middle of the others, with "
        f"at most {limits['false_calls']:.0%} of the calls expected to be chance. {hidden(labels)}"
    )


def hidden(labels: Labels) -> str:
    """Which rows are judged and compared with, yet not shown."""
    return (
        f"Rows of fewer than {labels.base} labels, or of 1 to {labels.cell - 1} errors, are "
        "compared with and not shown."
    )


def nothing(labels: Labels, name: str, title: str) -> Finding:
    """Says that of some groups none may be shown."""
    text = f"None rests on {labels.base} labels and {labels.cell} errors or more, so none is shown."
    return _unclear(name, title, text)


def _unclear(name: str, title: str, text: str) -> Finding:
    return Finding(
        name=name, title=title, text=text, value=None, unit="share", confidence=None,
        verdict="unclear",
    )  # fmt: skip


def _stacked(families: Sequence[Family]) -> pd.DataFrame:
    frames = [family.frame().assign(side=family.side.name) for family in families]
    return pd.concat(frames, ignore_index=True)


def family_table(
    labels: Labels, name: str, caption: str, families: Sequence[Family | InLanguages]
) -> Table:
    """Every group of some families that may be shown."""
    frames = []
    for each in families:
        own = each.own if isinstance(each, InLanguages) else each
        frame = own.frame()
        if isinstance(each, InLanguages):
            frame = frame.head(max(labels.study.parameters.top, len(own.worse)))
        frame["p"] = frame["p_adjusted"].map(_said_p)
        frame["side"] = own.side.title
        frame["difference_points"] = (100 * frame["difference"]).round(1)
        frame["interval"] = np.where(frame["trusted"], "", UNTRUSTED)
        if isinstance(each, InLanguages):
            other = ~np.isin(labels.language_kinds.names, [language_name(c) for c in
                             labels.languages])  # fmt: skip
            frame["elsewhere"] = frame["kind"].map(each.elsewhere(other)).astype(float).round(3)
        frames.append(frame)
    rows = pd.concat(frames, ignore_index=True)
    columns = list(SHOWN)
    if "elsewhere" in rows and rows["elsewhere"].notna().any():
        columns.insert(7, Column("elsewhere", "Same kind, other languages", "share"))
    if rows["trusted"].all():
        columns.pop()
    note = (
        f"{hidden(labels)} p is of a difference "
        f"within {100 * labels.study.spec.thresholds['margin']:g} points, adjusted for all rows of "
        "one side."
    )
    if any(isinstance(each, InLanguages) for each in families):
        note += f" Of each side the {labels.study.parameters.top} with most errors are shown."
    return Table(name, caption, rows, tuple(columns), note)


def _said_p(value: float) -> str | None:
    if not np.isfinite(value):
        return None
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def rates_table(labels: Labels) -> Table | Finding:
    """Accuracy, sensitivity and specificity of the run's own labels, with their complements; where
    none may be shown, a finding that says so."""
    confidence, known = labels.study.parameters.confidence, labels.own & labels.known
    rows = []
    for title, where, hits, weighted in _rates(labels, known):
        at = np.flatnonzero(where)
        ways = [recoded(labels.item[at]), recoded(labels.rater[at])]
        if not len(at) or len(np.unique(ways[0])) < labels.cell:
            continue
        weights = labels.weight[at] if weighted else None
        group = np.zeros(len(at), dtype=np.int64)
        found = clustered_shares(
            hits[at], group, 1, ways, weights=weights, confidence=confidence
        )  # fmt: skip
        rows.append(
            {
                "rate": title,
                "value": found.value[0],
                "low": found.low[0],
                "high": found.high[0],
                "labels": len(at),
                "items": len(np.unique(ways[0])),
                "people": len(np.unique(ways[1])) if labels.has_raters else None,
                "interval": "" if found.trusted[0] else UNTRUSTED,
            }
        )
    if not rows:
        text = f"Fewer than {labels.cell} items have a known answer, so no rate is shown."
        return _unclear("no_rate", "Accuracy", text)
    columns = (
        Column("rate", "Rate"),
        Column("value", "Value", "share"),
        Column("low", "from", "share"),
        Column("high", "to", "share"),
        Column("labels", "Labels", "count"),
        Column("items", "Items", "count"),
        Column("people", "Reviewers", "count"),
        Column("interval", "Interval"),
    )
    dropped = {"people"} if not labels.has_raters else set()
    if all(not row["interval"] for row in rows):
        dropped.add("interval")
    shown = tuple(column for column in columns if column.key not in dropped)
    note = (
        f"{confidence:.0%} intervals; labels of one item"
        f"{' and of one reviewer' if labels.has_raters else ''} are kept together. Accuracy mixes "
        "the two kinds of error by how many items violate, so it hides which of them is made."
    )
    if labels.is_weighted:
        note += (
            " Items were drawn with unequal chances; weighted rates count each item for as many as "
            "it stands for."
        )
    caption = f"Labels against known answers, {whose(labels)}, {labels.study.window}"
    return Table("rates", caption, pd.DataFrame(rows), shown, note)


_Rate = tuple[str, np.ndarray, np.ndarray, bool]


def _rates(labels: Labels, known: np.ndarray) -> list[_Rate]:
    right = labels.label == labels.violates
    found: list[_Rate] = []
    for weighted in (True, False) if labels.is_weighted else (False,):
        mark = ", weighted" if weighted else ""
        found.append((f"Accuracy{mark}", known, right, weighted))
    for side in SIDES:
        where = known & (labels.violates == side.violating)
        found.append((side.right.capitalize(), where, right, labels.is_weighted))
        found.append((side.title, where, ~right, labels.is_weighted))
    return found

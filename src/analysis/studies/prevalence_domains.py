"""Where violating views are: by surface, language, topic and age, all from the one sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.figures.displays import Column, Figure, Table
from analysis.figures.ranges import RangeRow, describe, largest_first, ranges
from analysis.methods.domains import Gap, gap, pool
from analysis.methods.prevalence import Estimate, Items, limits
from analysis.safeguards.disclosure import Rules
from analysis.studies.findings import Finding
from analysis.studies.shares import Share, share_scale, to_share
from analysis.studies.words import join, language_name

if TYPE_CHECKING:
    from analysis.studies.prevalence import Measured

DIMENSIONS = {
    "surface": "Surface",
    "language": "Language",
    "topic": "Topic",
    "age": "Age of the content",
}
AGES = ("under 1 day", "1 to 3 days", "3 to 7 days", "over a week")
#: With fewer violating posts a part's own number is too uncertain to stand alone.
FEWEST = 8
METHOD = (
    "Every row comes from the one sample, weighted as the headline; where no violating view was "
    "drawn, only an upper limit is given (rule of three)."
)
#: What stands with a part that rests on few posts.
FEW = " *"
AS_ITS_KIND = "as its kind"
NO_CAUSE = "A difference is no cause: parts differ in who posts there and in what is found first."


@dataclass(frozen=True)
class Domain:
    """A part of the market.

    Attributes:
        dimension, level: such as `surface`, `feed`.
        views: its part of all views, 0 to 1.
        posts: distinct posts drawn from it.
        events: how many of them violate.
        share: the part of its views that went to violating content.
        pooled: the same, drawn towards the market's.
        gap: to the rest of the market, at a confidence that allows for all parts; None where
            either has no event.
    """

    dimension: str
    level: str
    views: float
    posts: int
    events: int
    share: Share
    pooled: Share
    gap: Gap | None

    @property
    def differs(self) -> bool:
        return self.gap is not None and self.gap.clear

    @property
    def small(self) -> bool:
        return self.events < FEWEST

    def few(self, rules: Rules) -> bool:
        """Whether it rests on so few posts that this is said wherever its number stands."""
        return self.posts < rules.base

    @property
    def name(self) -> str:
        return f"{self.level} ({DIMENSIONS[self.dimension].lower()})"


def estimate_domains(measured: Measured) -> list[Domain]:
    """Every level of every dimension that has views, those without an event too; but for those of
    fewer labelled posts than any number may rest on."""
    rows, items = _with_age(measured.drawn.items()), measured.drawn.draws.items
    least = measured.study.rules.minimum
    every = {dimension: _levels(measured, rows, dimension) for dimension in DIMENSIONS}
    # What is the whole market is no part of it, and has no rest to be held against.
    levels = {dimension: views for dimension, views in every.items() if len(views) > 1}
    many = sum(len(each) for each in levels.values())
    strict = 1 - (1 - measured.confidence) / max(many, 1)
    found = []
    for dimension, views in levels.items():
        masks = [np.asarray(rows[dimension] == level, bool) for level in views.index]
        domains = [
            _domain(measured, items, (dimension, _named(dimension, level), part), among, strict)
            for (level, part), among in zip(views.items(), masks, strict=True)
        ]
        found += _pooled(measured, domains)
    # What rests on so few posts that they could be known is shown of no part.
    return [domain for domain in found if domain.posts >= least]


def _named(dimension: str, level: object) -> str:
    return language_name(str(level)) if dimension == "language" else str(level)


def _with_age(rows: pd.DataFrame) -> pd.DataFrame:
    hours = (rows["drawn_at"] - rows["posted_at"]).dt.total_seconds() / 3600
    age = pd.cut(hours, [-np.inf, 24, 72, 168, np.inf], right=False, labels=list(AGES))
    named = {name: rows[name].fillna("not known") for name in ("surface", "language", "topic")}
    return rows.assign(age=age.astype(object).fillna("not known"), **named)


def _levels(measured: Measured, rows: pd.DataFrame, dimension: str) -> pd.Series[float]:
    """Each level's part of the views: from the frame, or for ages from the weighted sample."""
    frame = measured.loaded.frame
    if dimension == "age":
        views = pd.Series(measured.drawn.draws.items.weight).groupby(rows["age"].to_numpy()).sum()
        views = views.reindex([age for age in (*AGES, "not known") if age in views.index])
    else:
        levels = frame[dimension].fillna("not known")
        views = frame["views"].groupby(levels).sum().sort_values(ascending=False)
    found: pd.Series[float] = views / views.sum()
    return found


def _domain(
    measured: Measured,
    items: Items,
    what: tuple[str, str, float],
    among: np.ndarray,
    strict: float,
) -> Domain:
    trials = measured.drawn.labelled * what[2]
    own, rest = items.ratio(among), items.ratio(~among)
    share = to_share(_known(own), trials, measured.confidence)
    return Domain(
        *what,
        int(among.sum()),
        int((items.label[among] > 0).sum()),
        share,
        share,
        _gap(own, rest, strict) if own.value > 0 and rest.value > 0 else None,
    )


def _known(found: Estimate) -> Estimate:
    """A part that no draw came from has no event, and no estimate either."""
    return Estimate(*(np.nan_to_num(each) for each in (found.value, found.variance, found.largest)))


def _gap(own: Estimate, rest: Estimate, confidence: float) -> Gap:
    def ends(found: Estimate) -> tuple[float, float, float]:
        low, high = limits(found, confidence=confidence)
        return float(found.value), float(low), float(high)

    return gap(ends(own), ends(rest))


def _pooled(measured: Measured, domains: list[Domain]) -> list[Domain]:
    """Levels of one dimension drawn towards their mean: a part is worth its views' part of the
    independent trials that the whole sample is worth."""
    whole = measured.estimate
    if not whole.variance > 0:
        return domains
    trials = float(whole.value / whole.variance)
    values = np.array([domain.share.value or 0.0 for domain in domains])
    effective = np.array([trials * domain.views for domain in domains])
    found = pool(values, effective, confidence=measured.confidence)
    shares = zip(found.value.tolist(), found.low.tolist(), found.high.tolist(), strict=True)
    return [
        replace(domain, pooled=Share(*share)) for domain, share in zip(domains, shares, strict=True)
    ]


def where(measured: Measured, domains: list[Domain]) -> Finding:
    """Which parts differ from the rest of the market, with all of them allowed for."""
    apart = [domain for domain in domains if domain.differs]
    market = measured.study.market.name
    verb = "differs" if len(apart) == 1 else "differ"
    many = f"{len(apart)} of {len(domains)} parts of {market}"
    sentences = [f"{many} {verb} clearly from the rest of the market."]
    if not domains:
        sentences = [f"Too few posts are labelled in any part of {market} to show its number."]
    for side, word in ((1, "Above it"), (-1, "Below it")):
        named = [d for d in apart if d.gap and d.gap.value * side > 0]
        if named:
            sentences.append(f"{word}: {join([_said(measured, d) for d in named])}.")
    none = [domain for domain in domains if domain.share.value is None]
    if none:
        sentences.append(
            f"In {len(none)} no violating view was drawn; that is an upper limit, not a zero."
        )
    together = (
        f"Each part is held against all the rest; {measured.confidence:.0%} holds for all "
        f"{len(domains)} comparisons together (Bonferroni)."
    )
    return Finding(
        name="where_violating_views_are",
        title="Parts that differ from the rest",
        text=" ".join(sentences),
        value=len(apart),
        unit="count",
        noun="parts",
        confidence=None,
        sample=f"{len(domains)} parts compared",
        verdict="up" if apart else "level",
        headline=bool(apart),
        notes=(together, NO_CAUSE),
    )


def _said(measured: Measured, domain: Domain) -> str:
    return f"{domain.name} with {_short(measured)(domain.share.ends[0])}"


def _short(measured: Measured) -> Callable[[float], str]:
    share = measured.share
    return share_scale(share.value, share.low, share.high).short


def domain_figure(measured: Measured, domains: list[Domain]) -> Figure:
    """Every part with its interval, against the whole market."""
    show, study = _short(measured), measured.study
    rows = []
    for dimension in DIMENSIONS:
        own = [domain for domain in domains if domain.dimension == dimension]
        order = range(len(own)) if dimension == "age" else _order(own)
        rows += [_range_row(own[place], study.rules) for place in order]
    whole = measured.share.value
    svg, cut = ranges(
        "prevalence_by_part",
        rows,
        line=whole,
        line_label=f"all of {study.market.name}",
        axis="share of the part's views that went to violating content",
        show=show,
    )
    apart = sum(domain.differs for domain in domains)
    title = f"{apart or 'None'} of {len(domains)} parts {'differs' if apart == 1 else 'differ'}"
    caption = (
        f"{measured.confidence:.0%} interval of each part by itself; a diamond differs from the "
        f"rest with all parts allowed for. {METHOD} {_marked(measured)} "
        "Source: labelled draws from the stream of views."
    )
    caption += (
        " Arrows: the interval goes on beyond the chart; the data have its end." if cut else ""
    )
    data = _frame(measured, domains)
    alt = f"Rows of dots with intervals, {study.window}: {describe(rows, show)}"
    title, least = f"{title} clearly from the rest", _least_views(measured, domains)
    return Figure("prevalence_by_part", title, alt, caption, data, svg, rests_on=least)


def _least_views(measured: Measured, domains: list[Domain]) -> int:
    """The fewest views of a part: what a share of its views is a share of."""
    views = float(measured.loaded.frame["views"].sum())
    return int(views * min(domain.views for domain in domains))


def _marked(measured: Measured) -> str:
    rules = measured.study.rules
    return (
        f"Shares are of a part's views. *: fewer than {rules.base} labelled posts stand for them; "
        f"parts of fewer than {rules.minimum} are not shown."
    )


def _order(domains: list[Domain]) -> list[int]:
    return largest_first([domain.share.value or 0.0 for domain in domains])


def _range_row(domain: Domain, rules: Rules) -> RangeRow:
    share, group = domain.share, DIMENSIONS[domain.dimension]
    label = domain.level + FEW * domain.few(rules)
    return RangeRow(label, share.value, share.low, share.high, group, domain.differs)


def _frame(measured: Measured, domains: list[Domain]) -> pd.DataFrame:
    rules = measured.study.rules
    return pd.DataFrame(
        {
            "dimension": DIMENSIONS[domain.dimension],
            "level": domain.level,
            "views_share": domain.views,
            "posts_labelled": roughly(domain.posts, rules) + FEW * domain.few(rules),
            "violating_posts": roughly(domain.events, rules),
            "value_share": domain.share.value,
            "low_share": domain.share.low,
            "high_share": domain.share.high,
            "pooled_share": domain.pooled.value,
            "pooled_low_share": domain.pooled.low,
            "pooled_high_share": domain.pooled.high,
            "differs": "yes" if domain.differs else "no",
        }
        for domain in domains
    )


def roughly(number: int, rules: Rules) -> str:
    """How many posts, so roughly that no small count comes back when others are taken from a sum.

    >>> [roughly(number, Rules()) for number in (0, 3, 18, 60, 117)]
    ['0', 'fewer than 11', '11 to 49', '50 to 99', '100 or more']
    """
    least, many = rules.minimum, rules.base
    if number < least:
        return f"fewer than {least}" if number else "0"
    some = max(least + 1, many // 2)
    if number >= many:
        return f"{many} or more"
    return f"{least} to {some - 1}" if number < some else f"{some} to {many - 1}"


def domain_table(measured: Measured, domains: list[Domain]) -> Table:
    """The same in figures, with small parts drawn towards the market's number."""
    frame = _frame(measured, domains)
    show = _short(measured)
    frame["shown"] = [_cell(domain.share, show) for domain in domains]
    frame["drawn"] = [_pooled_cell(d.pooled, show) if d.small else "" for d in domains]
    columns = (
        Column("dimension", "Part by"),
        Column("level", "Part"),
        Column("views_share", "Of all views", "share"),
        Column("posts_labelled", "Posts labelled"),
        Column("violating_posts", "Violating among them"),
        Column("shown", f"Violating views ({measured.confidence:.0%} interval)"),
        Column("drawn", "Pooled, for small parts"),
        Column("differs", "Differs"),
    )
    note = (
        f"{METHOD} {_marked(measured)} "
        f"Pooled: with fewer than {FEWEST} violating posts a part's own number swings, so it is "
        "also given drawn towards the mean of its kind (empirical Bayes, Clayton and Kaldor "
        f"1987); {AS_ITS_KIND}: parts of its kind differ no more than by chance. A pooled number "
        "is a guess about a part that looks like its neighbours, and no evidence that it differs "
        "or does not."
    )
    caption = f"Violating views by part, {measured.study.market.name}, {measured.study.window}"
    return Table("parts", caption, frame, columns, note, rests_on=_least_views(measured, domains))


def _pooled_cell(share: Share, show: Callable[[float], str]) -> str:
    """Without an interval where the parts of a kind were not told apart: it would have no width,
    as if the number were known."""
    ends = {show(end) for end in share.ends}
    return f"{ends.pop()}, {AS_ITS_KIND}" if len(ends) == 1 else _cell(share, show)


def _cell(share: Share, show: Callable[[float], str]) -> str:
    if share.value is None:
        return f"none seen, at most {show(share.high)}"
    return f"{show(share.value)} ({show(share.low)} to {show(share.high)})"

"""moderation_quality: what the notebook of this name calls.

Statistics are in `methods` (clustered, deviations, agreement, latent, funnel, bounds, waiting);
the sentences and charts in the `quality_` modules beside this one.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from analysis.figures.displays import Figure, Table
from analysis.studies.base import Study, StudyParameters
from analysis.studies.findings import Finding
from analysis.studies.quality_deviations import Family, InLanguages, by_kind, by_language
from analysis.studies.quality_labels import SIDES, Labels, load_labels
from analysis.studies.quality_points import (
    Own,
    everywhere_finding,
    kinds_finding,
    languages_finding,
    own_errors,
    own_finding,
)
from analysis.studies.quality_shown import (
    family_table,
    kind_figures,
    language_figure,
    rates_table,
)

Shown = list[Finding | Figure | Table]


class Parameters(StudyParameters):
    """What a run of this study takes; each field is a name in the notebook's tagged cell."""

    window: str = Field("latest-quarter", description="the local days, such as 2026-Q1")
    confidence: float = Field(0.95, ge=0.8, le=0.99, description="of the intervals")
    draws: int = Field(1000, ge=200, le=10_000, description="of the bootstrap over items")
    top: int = Field(12, ge=3, le=40, description="how many kinds of items a chart shows")


@dataclass(frozen=True)
class Quality:
    """What the labels say against known answers.

    Attributes:
        labels: all of the window.
        own: the run's own errors on both sides.
        languages: all languages, on both sides.
        kinds: the kinds of items, by attribute and side.
    """

    labels: Labels
    own: tuple[Own, ...]
    languages: tuple[Family, ...]
    kinds: tuple[InLanguages, ...]


def load(study: Study) -> Labels:
    """Every label of the window.

    Raises:
        NoData: the window holds no label of the market, nor one of no market in its languages.
    """
    return load_labels(study)


def estimate(labels: Labels) -> Quality:
    """Errors against known answers, and who deviates."""
    own = tuple(own_errors(labels, side) for side in SIDES)
    return Quality(labels, own, tuple(by_language(labels)), tuple(by_kind(labels)))


def main_points(found: Quality) -> list[Finding]:
    """The run's own errors, and which languages and kinds of items deviate."""
    labels = found.labels
    return [
        *(own_finding(labels, own) for own in found.own),
        languages_finding(labels, found.languages),
        kinds_finding(labels, found.kinds),
        everywhere_finding(found.kinds),
    ]


def rates(found: Quality) -> Table:
    """Accuracy and what it hides."""
    return rates_table(found.labels)


def languages(found: Quality) -> Shown:
    """Every language against the others."""
    families = [family for family in found.languages if family.shown.any()]
    if not families:
        return []
    table = family_table(found.labels, "languages_table", "Errors by language", families)
    return [language_figure(found.labels, families), table]


def kinds(found: Quality) -> Shown:
    """Kinds of items against each other."""
    families = [each for each in found.kinds if each.own.shown.any()]
    if not families:
        return []
    table = family_table(found.labels, "kinds_table", "Errors by kind of item", families)
    return [*kind_figures(found.labels, families), table]

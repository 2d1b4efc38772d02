"""moderation_quality: what the notebook of this name calls.

Statistics are in `methods` (clustered, deviations, agreement, latent, funnel, bounds, waiting);
the sentences and charts in the `quality_` modules beside this one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from analysis.figures.displays import Figure, Table
from analysis.studies.base import Study, StudyParameters
from analysis.studies.findings import Finding
from analysis.studies.quality_agreement import (
    agreed,
    agreement_finding,
    agreement_table,
    latent_finding,
)
from analysis.studies.quality_appeals import appeals_finding, appeals_tables, load_appealed
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
    nothing,
    rates_table,
)
from analysis.studies.quality_teams import people_shown, team_figures, team_table
from analysis.studies.quality_teams import teams as find_teams
from analysis.studies.quality_waits import load_waits, service_finding, waits_figure, waits_table

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


def rates(found: Quality) -> Table | Finding:
    """Accuracy and what it hides; a finding that says so where too few items have an answer."""
    return rates_table(found.labels)


def languages(found: Quality) -> Shown:
    """Every language against the others."""
    families = [family for family in found.languages if family.shown.any()]
    if not families:
        return [nothing(found.labels, "no_language", "Languages")]
    table = family_table(found.labels, "languages_table", "Errors by language", families)
    return [language_figure(found.labels, families), table]


def kinds(found: Quality) -> Shown:
    """Kinds of items against each other."""
    families = [each for each in found.kinds if each.own.shown.any()]
    if not families:
        return [nothing(found.labels, "no_kind", "Kinds of items")]
    table = family_table(found.labels, "kinds_table", "Errors by kind of item", families)
    return [*kind_figures(found.labels, families), table]


def agreement(found: Quality) -> Shown:
    """Whether reviewers agree, and what their labels say where no answer is known."""
    labels = found.labels
    rng = labels.study.rng()
    own = agreed(labels, np.flatnonzero(labels.own), rng)
    shown: Shown = [agreement_finding(labels, own), latent_finding(labels)]
    if own.among is not None:
        shown.append(agreement_table(labels, own, rng))
    return shown


def teams(found: Quality) -> Shown:
    """Teams against the funnel and after shrinkage, and the spread between reviewers."""
    units = find_teams(found.labels)
    shown: Shown = list(team_figures(found.labels, units))
    if any(each.shown.any() for each in units):
        shown.append(team_table(found.labels, units))
    return [*shown, *people_shown(found.labels)]


def appeals(found: Quality) -> Shown:
    """What appeals say of all decisions."""
    known = load_appealed(found.labels)
    finding = appeals_finding(found.labels, known)
    return [finding, *appeals_tables(found.labels, known)] if known else [finding]


def waits(found: Quality) -> Shown:
    """How long reports, appeals, removals and labels take."""
    known = load_waits(found.labels)
    finding, figure = service_finding(found.labels, known), waits_figure(found.labels, known)
    shown: Shown = [each for each in (finding, figure) if each is not None]
    return [*shown, waits_table(found.labels, known)] if known else shown

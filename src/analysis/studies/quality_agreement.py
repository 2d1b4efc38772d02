"""Whether reviewers agree, and what their labels say of items without a known answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.figures.displays import Column, Table
from analysis.methods.agreement import FEW_RARER, Agreement, Coefficient, agreement, cohen_kappa
from analysis.methods.clustered import Codes
from analysis.methods.latent import Latent, PackageMissing, dawid_skene
from analysis.safeguards.disclosure.rates import unsafe
from analysis.studies.findings import Finding
from analysis.studies.quality_labels import Labels, recoded
from analysis.studies.quality_points import whose
from analysis.studies.words import percent

PARADOX = (
    "Where nearly all items are of one kind, alpha and kappa are low although reviewers agree "
    "(Feinstein and Cicchetti 1990); Gwet's AC1 is not. Read them together."
)
AGREE = "Reviewers who agree can all be wrong; agreement is no accuracy."
INDEPENDENT = (
    "The model takes reviewers to err independently of each other. Where some items are hard for "
    "all of them it flatters them; compare it with the known answers above before it is believed."
)


@dataclass(frozen=True)
class Agreed:
    """How far labels agree, with each other and with known answers.

    Attributes:
        among: labels of one item; None where no two items have two labels.
        kappa: Cohen's, of labels with known answers; None without any.
        known: labels that have one.
    """

    among: Agreement | None
    kappa: Coefficient | None
    known: int


def agreed(labels: Labels, rows: np.ndarray, rng: np.random.Generator) -> Agreed:
    """Agreement of some rows."""
    settings = labels.study.parameters
    counts = _counts(recoded(labels.item[rows]), labels.label[rows])
    among = None
    if np.sum(counts.sum(1) >= 2) >= labels.cell:
        among = agreement(counts, rng, draws=settings.draws, confidence=settings.confidence)
    known = rows[labels.known[rows]]
    kappa = None
    if len(np.unique(labels.item[known])) >= labels.cell:
        kappa = cohen_kappa(
            labels.label[known].astype(np.int64),
            labels.violates[known].astype(np.int64),
            recoded(labels.item[known]),
            rng,
            draws=settings.draws,
            confidence=settings.confidence,
        )
    return Agreed(among, kappa, len(known))


def _counts(item: Codes, label: np.ndarray) -> np.ndarray:
    """Items by what was said: how many said harmless, how many violating."""
    found = np.zeros((int(item.max(initial=-1)) + 1, 2), dtype=np.int64)
    np.add.at(found, (item, label.astype(np.int64)), 1)
    return found


def agreement_finding(labels: Labels, found: Agreed) -> Finding:
    """Krippendorff's alpha among reviewers, with AC1 beside it."""
    title, among = "Agreement of reviewers", found.among
    if among is None:
        text = f"Fewer than {labels.cell} items have two labels."
        return Finding(
            name="agreement", title=title, text=text, value=None, unit="ratio", confidence=None,
            verdict="unclear",
        )  # fmt: skip
    notes = [PARADOX, AGREE]
    if among.rarer < FEW_RARER:
        few = f"Fewer than {FEW_RARER} items have any label but the most frequent"
        notes.append(f"{few}: the intervals are too narrow.")
    alpha = among.alpha
    text = f"Krippendorff's alpha is {_said(alpha)}, Gwet's AC1 {_said(among.ac1)}; "
    if not np.isfinite(alpha.value):
        text = f"All labels are the same, so there is no alpha; Gwet's AC1 is {_said(among.ac1)}; "
    text += f"two labels of one item agree in {percent(among.percent.value)} of pairs"
    text += f", by {whose(labels)}."
    known = np.isfinite(alpha.value) and np.isfinite(alpha.low)
    return Finding(
        name="agreement",
        title=title,
        text=text,
        value=alpha.value if np.isfinite(alpha.value) else None,
        low=alpha.low if known else None,
        high=alpha.high if known else None,
        unit="ratio",
        confidence=labels.study.parameters.confidence,
        sample=f"{among.items:,} items with two labels or more, {among.labels:,} labels",
        notes=tuple(notes),
    )


def _said(found: Coefficient) -> str:
    if not np.isfinite(found.low):
        return f"{found.value:.2f}"
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def agreement_table(labels: Labels, own: Agreed, rng: np.random.Generator) -> Table:
    """The coefficients of the run's own labels and of every language."""
    rows = [_row(name, found) for name, found in _languages(labels, rng)]
    if labels.of_market:
        rows.insert(0, _row(whose(labels).removeprefix("reviewers of "), own))
    columns = [Column("who", "Labels")]
    for key, title in _COEFFICIENTS.items():
        columns += [Column(key, title, "number"), Column(f"{key}_range", "interval")]
    columns.append(Column("items", "Items", "count"))
    note = (
        f"{labels.study.parameters.confidence:.0%} intervals from {labels.study.parameters.draws:,}"
        " bootstrap draws of whole items (BCa). Kappa is of single labels with known answers; "
        f"alpha and AC1 among labels of one item. Fewer than {labels.cell} items are not shown."
    )
    return Table(
        "agreement_table", "Agreement beyond chance", pd.DataFrame(rows), tuple(columns), note
    )


_COEFFICIENTS = {
    "alpha": "Krippendorff's alpha",
    "ac1": "Gwet's AC1",
    "kappa": "Cohen's kappa with known answers",
}


def _languages(labels: Labels, rng: np.random.Generator) -> Iterator[tuple[str, Agreed]]:
    kinds = labels.language_kinds
    for at, name in enumerate(kinds.names):
        found = agreed(labels, np.flatnonzero(kinds.codes == at), rng)
        if found.among is not None:
            yield name, found


def _row(who: str, found: Agreed) -> dict[str, object]:
    row: dict[str, object] = {"who": who, "items": found.among.items if found.among else None}
    among = found.among
    parts = {
        "alpha": among.alpha if among else None,
        "ac1": among.ac1 if among else None,
        "kappa": found.kappa,
    }
    for key, part in parts.items():
        known = part is not None and np.isfinite(part.value)
        row[key] = round(part.value, 3) if part and known else None
        ends = part is not None and np.isfinite(part.low)
        row[f"{key}_range"] = f"{part.low:.2f} to {part.high:.2f}" if part and ends else None
    return row


def latent_finding(labels: Labels) -> Finding:
    """What the labels alone say of the items and of the reviewers, by Dawid and Skene's model."""
    title = "Without known answers"
    rows = np.flatnonzero(labels.own)
    if not labels.has_raters:
        why = "These labels do not say whose they are, so no model of the reviewers can be fitted"
        return _no_latent(title, f"{why}; items without a known answer stay unknown.")
    try:
        item = recoded(labels.item[rows])
        found = dawid_skene(item, recoded(labels.rater[rows]), labels.label[rows])
    except (PackageMissing, ValueError) as error:
        return _no_latent(title, f"{str(error)[:1].upper()}{str(error)[1:]}.")
    unknown = np.unique(item[~labels.known[rows]])
    text = (
        f"{percent(found.prevalence)} of {len(found.probability):,} items violate by Dawid and "
        f"Skene's model of the labels alone, {len(unknown):,} of them without a known answer; by "
        f"it reviewers see {percent(found.sensitivity)} of violating and clear "
        f"{percent(found.specificity)} of harmless items. {_against_known(labels, found, item)}"
    )
    return Finding(
        name="latent_truth",
        title=title,
        text=text,
        value=found.prevalence,
        unit="share",
        confidence=None,
        sample=f"{len(rows):,} labels of {len(np.unique(labels.rater[rows])):,} reviewers",
        notes=(INDEPENDENT, "No interval is given: the model's own would be too narrow."),
    )


def _against_known(labels: Labels, found: Latent, item: Codes) -> str:
    """How often the model and the known answers say the same, where both do."""
    rows = np.flatnonzero(labels.own)
    known = labels.known[rows]
    places, first = np.unique(item[known], return_index=True)
    truth = labels.violates[rows][known][first]
    same = float(np.mean((found.probability[places] > 0.5) == truth)) if len(places) else 0.0
    if len(places) < labels.base or unsafe(same, [len(places)], labels.study.rules):
        return "Too few items have a known answer to say how often the two agree."
    return f"It agrees with {percent(same)} of {len(places):,} known answers."


def _no_latent(title: str, text: str) -> Finding:
    return Finding(
        name="latent_truth", title=title, text=text, value=None, unit="share", confidence=None,
        verdict="unclear",
    )  # fmt: skip

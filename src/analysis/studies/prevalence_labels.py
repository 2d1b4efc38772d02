"""What wrong labels would do to the number: raters' accuracy, and the share corrected for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.errors import UserError
from analysis.figures.displays import Column, Table
from analysis.methods.label_error import Accuracy, Corrected, rogan_gladen
from analysis.safeguards.disclosure.rates import Rules, unsafe
from analysis.studies.findings import Finding
from analysis.studies.shares import share_scale

if TYPE_CHECKING:
    from analysis.studies.prevalence import Measured

DOMINATED = (
    "The uncertainty of the specificity alone exceeds the estimate: only more harmless items with "
    "a known answer would help, not more draws."
)
MAYBE = (
    "It is a what-if, and not the headline: nothing here says that the draws were labelled by "
    "these people, or as they label items with a known answer."
)


@dataclass(frozen=True)
class LabelErrors:
    """The share as it would be, had the draws been labelled as items with a known answer are.

    Attributes:
        sensitivity, specificity: of the majority of an item's raters; None where no violating
            (harmless) item with a known answer was rated.
        corrected: None where that can't be worked out.
        refused: why not, a clause; empty where it can.
    """

    sensitivity: Accuracy | None
    specificity: Accuracy | None
    corrected: Corrected | None
    refused: str = ""


def label_errors(measured: Measured) -> LabelErrors:
    """The correction by Rogan and Gladen, or why there is none."""
    items = _gold(measured)
    of = {truth: items[items["gold"] == truth]["voted"] for truth in (True, False)}
    if not (len(of[True]) and len(of[False])):
        kinds = "violating" if len(of[False]) else "harmless"
        reason = f"no rated item with a known answer is {kinds}"
        return LabelErrors(None, None, None, reason)
    sensitivity = Accuracy(int(of[True].sum()), len(of[True]))
    specificity = Accuracy(int((~of[False]).sum()), len(of[False]))
    try:
        corrected = rogan_gladen(
            measured.estimate,
            sensitivity,
            specificity,
            measured.study.rng(),
            confidence=measured.confidence,
        )
    except ValueError:
        reason = "sensitivity and specificity add up to 1 or less, so labels tell nothing"
        return LabelErrors(sensitivity, specificity, None, reason)
    return LabelErrors(sensitivity, specificity, corrected)


def _gold(measured: Measured) -> pd.DataFrame:
    """Items with a known answer, and what most of their raters said; ties count as violating."""
    study = measured.study
    windows = sorted(measured.loaded.drawn, key=lambda window: window.start)
    span = study.market.start_of(windows[0].start), study.window.instants(study.market)[1]
    query = """
        SELECT item_id, max(CASE WHEN gold_label THEN 1 ELSE 0 END) AS gold,
            avg(CASE WHEN label THEN 1.0 ELSE 0.0 END) AS votes
        FROM ratings
        WHERE market = ? AND finished_at >= ? AND finished_at < ?
            AND gold_label IS NOT NULL AND label IS NOT NULL
        GROUP BY item_id ORDER BY item_id
    """
    found = study.sql(query, (study.market.code, *span), limit=None)
    if found.isna().any().any():
        raise UserError("ratings", "an item with a known answer has no label")
    return pd.DataFrame({"gold": found["gold"] == 1, "voted": found["votes"] >= 0.5})


def label_finding(measured: Measured, found: LabelErrors) -> Finding:
    """What the labels' errors would make of the number, in words."""
    corrected = found.corrected
    value = low = high = None
    sample = ""
    notes: tuple[str, ...] = (MAYBE,)
    if corrected is None or found.sensitivity is None or found.specificity is None:
        text = f"No correction for errors of labels: {found.refused}."
    else:
        text = _said(measured, found.sensitivity, found.specificity, corrected)
        # From a corrected share and one accuracy the other follows.
        if not _any_few(measured, found.sensitivity, found.specificity):
            value, low, high = corrected.value, corrected.low, corrected.high
            least = min(found.sensitivity.of, found.specificity.of)
            sample = f"{least:,} or more items of each kind with a known answer"
        if corrected.dominated:
            notes += (DOMINATED,)
    return Finding(
        name="share_if_labels_err",
        title="If labels err as raters do",
        text=text,
        value=value,
        low=low,
        high=high,
        unit="share",
        confidence=measured.confidence if value is not None else None,
        sample=sample,
        verdict="level" if value is not None else "unclear",
        notes=notes,
    )


def _said(
    measured: Measured, sensitivity: Accuracy, specificity: Accuracy, corrected: Corrected
) -> str:
    if _any_few(measured, sensitivity, specificity):
        text = "Too few items with a known answer were rated to show how many get the right label"
        if corrected.below_zero:
            more = "raters like these would call more harmless views violating than were found"
            return f"{text}; {more}."
        return f"{text}, or what the share would be then."
    wrong = 1 - specificity.value
    scale = share_scale(measured.share.value, measured.share.low, measured.share.high)
    first = (
        f"{sensitivity.value:.1%} of violating and {specificity.value:.1%} of harmless items with "
        f"a known answer get the right label from most of their raters."
    )
    if corrected.below_zero:
        rest = (
            f"Raters like these would call {scale.short(wrong)} of harmless views violating, more "
            f"than the {scale.short(measured.share.ends[0])} found: the corrected share would lie "
            f"below zero (−{scale.short(-corrected.value)}), which no share can. So the draws were "
            "labelled with more care, or the accuracies are off"
        )
        return f"{first} {rest}."
    ends = scale.range(max(corrected.low, 0.0), corrected.high)
    return (
        f"{first} Labelled like that, the true share would be {scale.short(corrected.value)} "
        f"({ends}); as labelled, it is {scale.short(measured.share.ends[0])}."
    )


def accuracy_table(measured: Measured, found: LabelErrors) -> Table:
    """The accuracies behind it; of how many items would tell the few that were labelled wrong."""
    pairs = (("Violating", found.sensitivity), ("Harmless", found.specificity))
    rows = [
        {
            "kind": kind,
            "items": seen.of if seen else 0,
            "right": seen.value if seen else None,
            "error": f"± {100 * seen.error:.1f} points" if seen else "–",
        }
        for kind, seen in pairs
    ]
    columns = (
        Column("kind", "Items that are"),
        Column("right", "Labelled right by most raters", "share"),
        Column("error", "Standard error"),
    )
    weeks = len(measured.loaded.drawn)
    note = (
        f"Ratings of the last {weeks} windows; a tie counts as violating. Correction: Rogan and "
        "Gladen (1978), its interval with the uncertainty of both accuracies (Bayer, Fay and "
        "Graubard 2023). It is not clipped at zero: what lies below is said."
    )
    frame = _small(measured, rows, [each for _, each in pairs])
    least = min((each.of for _, each in pairs if each), default=None)
    if frame["right"].notna().any():  # what rests on fewer is not in it
        least = int(frame["items"].min())
    caption = "How often labels are right"
    return Table("label_accuracy", caption, frame, columns, note, rests_on=least)


def _any_few(measured: Measured, *found: Accuracy) -> bool:
    """Whether what they say of the share may not be told: for their sake or for its own."""
    if not measured.may_be_shown(measured.study.window):
        return True
    return any(few(each, measured.study.rules) for each in found)


def few(found: Accuracy, rules: Rules) -> bool:
    """Whether an accuracy rests on too few items to be shown, or tells of few wrong labels."""
    return found.of < rules.least("share") or unsafe(float(found.value), [found.of], rules)


def _small(
    measured: Measured, rows: Sequence[Mapping[str, object]], seen: Sequence[Accuracy | None]
) -> pd.DataFrame:
    """Without what rests on fewer items than may be shown."""
    frame = pd.DataFrame(rows)
    hidden = [each is not None and few(each, measured.study.rules) for each in seen]
    frame["right"] = frame["right"].astype(float)
    frame.loc[hidden, ["items", "right"]] = np.nan
    frame.loc[hidden, "error"] = "–"
    return frame

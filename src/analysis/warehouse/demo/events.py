"""What happens in the simulated world: incidents and experiments, with their true effects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Incident:
    """Something that happened, for `demo_truth` and for the simulation.

    Attributes:
        name: what tests call it.
        kind: spam_wave, classifier_outage, policy_change or logging_change.
        starts, ends: local days, `ends` exclusive; None means until the data end.
        effect: what it does to `metric`, in the words of `detail`.
        market, language, surface, policy: where; None means everywhere.
    """

    name: str
    kind: str
    starts: date
    ends: date | None
    metric: str
    effect: float
    detail: str
    market: str | None = None
    language: str | None = None
    surface: str | None = None
    policy: str | None = None


SPAM_WAVE = Incident(
    "spam_wave", "spam_wave", date(2026, 2, 28), date(2026, 3, 7), "posts", 0.30,
    "posts by spam accounts, as a share of the market's usual posts a day; the classifier ranks "
    "them less well (separation times 0.5)",
    market="BR", surface="live", policy="spam",
)  # fmt: skip
CLASSIFIER_OUTAGE = Incident(
    "classifier_outage", "classifier_outage", date(2026, 3, 2), date(2026, 3, 8), "auc", 0.5,
    "risk scores of posts in this language carry no information and stay low, so that next to "
    "nothing is found proactively",
    language="es",
)  # fmt: skip
LOGGING_CHANGE = Incident(
    "logging_change", "logging_change", date(2026, 3, 2), None, "views", 2.0,
    "view events fire twice: recorded views are this many times the real ones, while viewers, "
    "reports and decisions are as before",
    market="JP", surface="feed",
)  # fmt: skip
#: Posts that violate the fraud policy become rarer once advertisers of financial offers must be
#: verified; the rule came market by market, and never to CL, EG, NG, NP and SA.
ROLLOUT = {
    "AU": date(2025, 6, 2),
    "GB": date(2025, 6, 16),
    "US": date(2025, 7, 14),
    "DE": date(2025, 8, 11),
    "FR": date(2025, 8, 11),
    "JP": date(2025, 9, 1),
    "KR": date(2025, 9, 1),
    "BR": date(2025, 9, 29),
    "MX": date(2025, 10, 6),
    "ID": date(2025, 10, 27),
    "IN": date(2025, 11, 10),
}
POLICY_CHANGES = tuple(
    Incident(
        "fraud_verification", "policy_change", day, None, "violating_posts", -0.40,
        "relative change of the share of posts that violate the policy",
        market=market, policy="fraud",
    )
    for market, day in ROLLOUT.items()
)  # fmt: skip
INCIDENTS = (SPAM_WAVE, CLASSIFIER_OUTAGE, LOGGING_CHANGE, *POLICY_CHANGES)


@dataclass(frozen=True)
class Experiment:
    """An experiment of two arms, planned half and half.

    Attributes:
        starts, ends: the days (UTC) over which units are assigned.
        main, side: the outcome that it aims at, and one beside it; `sessions` comes with both.
        means: the mean of each outcome in the control arm.
        effects: the true relative effect of `treatment` on the mean of each outcome.
        lost: share of the treatment arm's units that drop out unseen; twice as many among those
            who were less active before than the median, none among the others.
    """

    name: str
    starts: date
    ends: date
    main: str
    side: str
    means: dict[str, float]
    effects: dict[str, float]
    lost: float = 0.0

    @property
    def span(self) -> tuple[date, date]:
        return self.starts, self.ends


EXPERIMENTS = (
    Experiment(
        "report_flow", date(2026, 1, 12), date(2026, 1, 26), "reports", "valid_reports",
        {"reports": 0.8, "valid_reports": 0.25, "sessions": 12.0},
        {"reports": 0.15, "valid_reports": 0.10, "sessions": 0.0},
    ),
    Experiment(
        "share_prompt", date(2026, 2, 2), date(2026, 3, 2), "shares", "violating_shares",
        {"shares": 3.0, "violating_shares": 0.15, "sessions": 12.0},
        {"shares": -0.06, "violating_shares": -0.20, "sessions": 0.0},
        lost=0.043,
    ),
)  # fmt: skip

"""The simulated platform's constants, all in one place: what is true of its world.

Rates are shares of posts or of views unless said otherwise; times are local days of a market. What
is declared here is written to `demo_truth`, which tests read and no study does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from statistics import NormalDist

#: The local days that the data hold, end exclusive: 65 weeks, so that a year before exists.
FIRST_DAY = date(2024, 12, 9)
END_DAY = date(2026, 3, 9)

#: At scale 1, over all the markets of params/markets.yaml.
POSTS = 290_000
#: A market that is not listed below is as small as this.
DEFAULT_SIZE = 1.5
POSTS_PER_CREATOR = 9
UNITS_PER_EXPERIMENT = 60_000
#: Labelled draws a market and week at scale 1; follows the square root of the scale, in bounds.
DRAWS = 700
DRAWS_BOUNDS = (60, 4000)


@dataclass(frozen=True)
class MarketWorld:
    """How a market differs.

    Attributes:
        size: relative number of posts.
        violation: multiplies the share of posts that violate.
        reporting: multiplies the users' readiness to report.
        late: hours by which its daily rhythm runs later than most markets'.
        southern: its summer is in January.
        weekend: ISO weekdays (1 is Monday) on which people view more.
    """

    size: float = DEFAULT_SIZE
    violation: float = 1.0
    reporting: float = 1.0
    late: int = 0
    southern: bool = False
    weekend: tuple[int, int] = (6, 7)


MARKETS = {
    "AU": MarketWorld(2.5, 0.85, 1.10, 0, southern=True),
    "BR": MarketWorld(12.0, 1.15, 1.15, 0, southern=True),
    "CL": MarketWorld(2.0, 1.00, 0.95, 1, southern=True),
    "DE": MarketWorld(5.5, 0.80, 1.30, 0),
    "EG": MarketWorld(3.5, 1.25, 0.80, 1, weekend=(5, 6)),
    "FR": MarketWorld(5.0, 0.90, 1.10, 0),
    "GB": MarketWorld(5.5, 0.90, 1.20, 0),
    "ID": MarketWorld(12.5, 1.10, 0.85, -1),
    "IN": MarketWorld(12.5, 1.20, 0.80, 0),
    "JP": MarketWorld(6.5, 0.70, 0.90, 0),
    "KR": MarketWorld(4.5, 0.75, 1.05, 1),
    "MX": MarketWorld(7.5, 1.10, 1.00, 0),
    "NG": MarketWorld(3.0, 1.35, 0.75, 0),
    "NP": MarketWorld(1.5, 1.20, 0.70, -1),
    "SA": MarketWorld(3.5, 0.95, 0.95, 2, weekend=(5, 6)),
    "US": MarketWorld(15.0, 1.00, 1.25, 0),
}
#: The sum of sizes that makes `POSTS`; a market more makes more posts, it takes none from others.
WHOLE_SIZE = sum(market.size for market in MARKETS.values())


@dataclass(frozen=True)
class PolicyWorld:
    """How often a policy is violated and how it is enforced.

    Attributes:
        rate: share of posts that violate it, before a market's own multiplier.
        limited: share of confirmed violations that are restricted or age-restricted, not removed.
        reported: multiplies the rate at which a violating post's viewers report it.
    """

    rate: float
    limited: float = 0.05
    reported: float = 1.0


DEFAULT_POLICY = PolicyWorld(0.002)
POLICIES = {
    "child_safety": PolicyWorld(0.0026, 0.0, 1.6),
    "violent_extremism": PolicyWorld(0.0026, 0.0, 1.3),
    "human_exploitation": PolicyWorld(0.0026, 0.0, 0.9),
    "suicide_self_harm": PolicyWorld(0.0032, 0.15, 1.1),
    "violent_behaviour": PolicyWorld(0.0034, 0.05, 1.2),
    "sexual_exploitation": PolicyWorld(0.0030, 0.0, 1.3),
    "hate_speech": PolicyWorld(0.0042, 0.05, 1.5),
    "graphic_content": PolicyWorld(0.0048, 0.45, 1.1),
    "weapons_drugs": PolicyWorld(0.0060, 0.10, 0.6),
    "harassment": PolicyWorld(0.0085, 0.05, 1.5),
    "dangerous_acts": PolicyWorld(0.0060, 0.35, 0.5),
    "adult_nudity": PolicyWorld(0.0110, 0.40, 1.0),
    "fraud": PolicyWorld(0.0085, 0.05, 0.7),
    "misinformation": PolicyWorld(0.0080, 0.30, 0.6),
    "spam": PolicyWorld(0.0140, 0.10, 0.5),
}

#: Views that a post would have, at the median, if nobody took it down, and the most that one can
#: have. Their spread is lognormal with sigma 1.5; that of violating posts is 0.6 times as wide,
#: since what is recommended widely is checked first.
MEDIAN_VIEWS = 60
MEDIAN_VIOLATING_VIEWS = 100
VIOLATING_REACH = 0.6
MOST_VIEWS = 3_000_000
#: Reports per view of a harmless and of a violating post, at the median post.
REPORT_RATE = 0.0020
VIOLATING_REPORT_RATE = 0.018

#: How well the classifier ranks a violating post above another, by language (area under the ROC).
AUC = {
    "en": 0.975,
    "fr": 0.970,
    "de": 0.970,
    "es": 0.965,
    "pt": 0.960,
    "ja": 0.960,
    "ko": 0.955,
    "id": 0.945,
    "ar": 0.920,
    "hi": 0.910,
    "tr": 0.900,
    "ne": 0.860,
}
DEFAULT_AUC = 0.93
#: The share of a market's creators that post in its first language; the second has this share of
#: the others, and so on.
FIRST_LANGUAGE_SHARE = 0.75

SURFACES = {"feed": 0.70, "live": 0.13, "profile": 0.09, "search": 0.08}
TOPICS = (
    "comedy", "music", "dance", "beauty", "sports", "gaming",
    "food", "news", "education", "family", "travel", "finance",
)  # fmt: skip

#: Relative activity by local hour, of viewers and of those who post; evenings are high.
VIEWS_BY_HOUR = (
    52, 34, 22, 16, 14, 18, 30, 50, 62, 66, 70, 78,
    94, 92, 82, 80, 88, 102, 122, 146, 168, 176, 152, 98,
)  # fmt: skip
POSTS_BY_HOUR = (
    40, 24, 16, 12, 12, 18, 34, 56, 72, 80, 86, 94,
    104, 100, 94, 98, 112, 132, 150, 158, 148, 126, 94, 62,
)  # fmt: skip
WEEKEND_LIFT = 1.18
YEARLY_SWING = 0.10
YEARLY_GROWTH = 0.18
DAILY_NOISE = 0.05

#: Ages of a post in hours, [first, last], at one of which each slot's views are seen.
SLOTS = (
    (0, 0), (1, 1), (2, 2), (3, 4), (5, 7), (8, 11),
    (12, 17), (18, 26), (27, 44), (45, 80), (81, 167),
)  # fmt: skip


def seen_by(age_hours: float) -> float:
    """The share of its views that a post has had by an age: Lomax, half of them in seven hours."""
    return age_hours / (age_hours + 7.0)


def slot_masses() -> tuple[float, ...]:
    """The share of a post's views in each slot; together 1."""
    whole = seen_by(SLOTS[-1][1] + 1)
    return tuple(round((seen_by(last + 1) - seen_by(first)) / whole, 6) for first, last in SLOTS)


def separation(auc: float) -> float:
    """How far apart two unit normal scores stand whose area under the ROC is `auc`.

    >>> round(separation(0.9), 3)
    1.812
    """
    return round(2**0.5 * NormalDist().inv_cdf(auc), 6)


#: Risk scores from which a post is removed by machine, and from which people look at it.
AUTOMATED_FROM = 0.75
QUEUED_FROM = 0.05
#: Median seconds from posting to a machine's and to a person's decision.
AUTOMATED_S = 60
QUEUED_S = 8_000
#: Median seconds from a first report to a decision.
REPORTED_S = 18_000
#: Moderators: chance to see a violation, chance to clear a harmless post; raters vary around it.
REVIEW_SENSITIVITY = 0.93
REVIEW_SPECIFICITY = 0.985
#: Chance that an action is appealed, and that an appeal succeeds, by whether the post violated.
APPEALED = {True: 0.28, False: 0.62}
OVERTURNED = {True: 0.06, False: 0.80}

#: People who label in a language; each does a few hundred items at scale 1.
RATERS = {"en": 60, "es": 36, "id": 32, "pt": 32, "hi": 28, "ar": 24}
DEFAULT_RATERS = 16

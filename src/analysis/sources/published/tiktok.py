"""TikTok's Community Guidelines Enforcement Report, the raw data as CSV (2020-Q3 to 2023-Q3).

The names of metrics, of policy types and of categories changed between vintages. A policy here is
`Category`, or `Category - Policy` for one within it, which is the spelling that the 2023-Q3 vintage
began with (`Youth Safety & Well-Being - Youth Exploitation & Abuse`): the shares of categories add
up to all removals (`category_share`), those of policies to their category
(`share_within_category`), and nothing is counted twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Final

from analysis.sources.published.facts import Dropped, Fact, Format, count, number, quarter, share
from analysis.sources.territories import fold, territory_code

COLUMNS = (
    "Metric",
    "Period Type",
    "Period",
    "Policy Type",
    "Issue Policy",
    "Task Type",
    "Task",
    "Location",
    "Market",
    "Result",
)
TOTAL = "all"
#: From this quarter on the report follows the Community Guidelines of April 2023.
GUIDELINES_2023 = date(2023, 4, 1)

SHARES: Final = {
    "proactive removal rate": "proactive_removal_rate",
    "removal rate before any views": "removal_rate_before_views",
    "removal rate within 24 hours": "removal_rate_within_24h",
    "removal rate of published": "removal_rate_of_published",
    "video removal rate of published": "removal_rate_of_published",
    "category share": "category_share",
    "live suspension rate of published": "live_suspension_rate_of_published",
    "percentage of user reports actioned": "reports_actioned",
    "percentage of moderators assigned": "moderators_assigned",
}
COUNTS: Final = {
    "total videos removed": "videos_removed",
    "videos restored": "videos_restored",
    "videos removed from fake accounts": "videos_removed_from_fake_accounts",
    "total accounts removed": "accounts_removed",
    "live rooms suspended": "live_sessions_suspended",
    "live sessions suspended": "live_sessions_suspended",
    "live rooms restored": "live_sessions_restored",
    "live sessions restored": "live_sessions_restored",
    "ad removals": "ads_removed",
    "ads removed due to account actions": "ads_removed_by_account_actions",
    "fake accounts prevented": "fake_accounts_prevented",
    "fake follow requests prevented": "fake_follow_requests_prevented",
    "fake followers removed": "fake_followers_removed",
    "fake likes prevented": "fake_likes_prevented",
    "fake likes removed": "fake_likes_removed",
}
#: The time that a report waited is part of the metric's name.
TURNAROUND: Final = {
    "less than 2 hours": "under_2h",
    "between 2 and 8 hours": "2h_to_8h",
    "between 8 and 24 hours": "8h_to_24h",
    "more than 24 hours": "over_24h",
}
CATEGORY_TYPES: Final = {"issue", "issue policy", "community guidelines heading"}
POLICY_TYPES: Final = {"community guidelines policy", "community guidelines rule"}

#: Categories and their policies, by guidelines.
CATEGORIES_2023: Final = {
    "Integrity & Authenticity": (
        "Civic & Election Integrity",
        "Fake Engagement",
        "Misinformation",
        "Synthetic & Manipulated Media",
        "Unoriginal Content & QR Codes",
    ),
    "Mental & Behavioral Health": (
        "Dangerous Activities & Challenges",
        "Disordered Eating & Body Image",
        "Suicide & Self-Harm",
    ),
    "Privacy & Security": ("Personal Information",),
    "Regulated Goods & Commercial Activities": (
        "Alcohol, Tobacco & Drugs",
        "Commercial Disclosure & Paid Promotion",
        "Firearms & Dangerous Weapons",
        "Frauds & Scams",
        "Gambling",
        "Trade of Regulated Goods & Services",
    ),
    "Safety & Civility": (
        "Harassment & Bullying",
        "Hate Speech & Hateful Behavior",
        "Human Exploitation",
        "Sexual Exploitation & Gender-Based Violence",
        "Violent & Hateful Orgs & Individuals",
        "Violent Behaviors & Criminal Activities",
        "Youth Exploitation & Abuse",
    ),
    "Sensitive & Mature Themes": (
        "Animal Abuse",
        "Nudity & Body Exposure",
        "Sexual Activity & Services",
        "Sexually Suggestive Content",
        "Shocking & Graphic Content",
    ),
    # A cut across the others: rates are published for it, and no share of all removals.
    "Youth Safety & Well-Being": (),
}
CATEGORIES_2020: Final = {
    "Adult nudity and sexual activities": (
        "Nudity and sexual activity involving adults",
        "Sexual exploitation",
    ),
    "Dangerous acts and challenges": ("Dangerous acts and challenges",),
    "Harassment and bullying": (
        "Abusive behavior",
        "Sexual harassment",
        "Threats of hacking, doxxing, and blackmail",
    ),
    "Hateful behavior": (
        "Attacks and slurs on the basis of protected attributes",
        "Hateful ideology",
    ),
    "Illegal activities and regulated goods": (
        "Criminal activities",
        "Drugs, controlled substances, alcohol, and tobacco",
        "Frauds and scams",
        "Gambling",
        "Privacy, personal data, and personally identifiable information (PII)",
        "Weapons",
    ),
    "Integrity and authenticity": ("Harmful misinformation", "Spam and fake engagement"),
    "Minor safety": (
        "Grooming behavior",
        "Harmful activities by minors",
        "Nudity & sexual activity involving minors",
        "Physical and psychological harm of minors",
        "Sexual exploitation of minors",
    ),
    "Suicide, self-harm and disordered eating": ("Disordered eating", "Suicide and self-harm"),
    "Suicide, self-harm, and dangerous acts": (),
    "Violent and graphic content": ("Violent and graphic content",),
    "Violent extremism": (
        "Threats and incitement to violence",
        "Violent extremist organizations and individuals",
    ),
}
#: Where the guidelines of 2023 continue one category of before as a whole. The nearest, not the
#: same: the line between neighbours moved, so a step at 2023-Q2 is not a change of behaviour.
SUCCESSORS: Final = {
    "Dangerous acts and challenges": (
        "Mental & Behavioral Health - Dangerous Activities & Challenges"
    ),
    "Harassment and bullying": "Safety & Civility - Harassment & Bullying",
    "Hateful behavior": "Safety & Civility - Hate Speech & Hateful Behavior",
    "Integrity and authenticity": "Integrity & Authenticity",
    "Minor safety": "Youth Safety & Well-Being",
    "Violent and graphic content": "Sensitive & Mature Themes - Shocking & Graphic Content",
    "Violent extremism": "Safety & Civility - Violent & Hateful Orgs & Individuals",
}


def _parents(categories: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, str]]:
    return {fold(policy): (name, policy) for name, own in categories.items() for policy in own}


_PARENTS_2023 = _parents(CATEGORIES_2023)
_PARENTS_2020 = _parents(CATEGORIES_2020)
_SPELLINGS = {fold(name): name for name in (*CATEGORIES_2020, *CATEGORIES_2023)}
_SPELLINGS |= {fold(old): new for old, new in SUCCESSORS.items()}
_MONTHS = {"Jan-Mar": "Q1", "Apr-Jun": "Q2", "Jul-Sep": "Q3", "Oct-Dec": "Q4"}


def read(row: Mapping[str, str]) -> list[Fact]:
    """A row's figure.

    Raises:
        Dropped: it is about a language, or something in it is not known.
    """
    if fold(row["Period Type"]) != "quarterly":
        raise Dropped("not about a quarter")
    start, end = _period(row["Period"])
    market = _market(row["Location"], row["Market"])
    level, policy = _policy(row["Policy Type"], row["Issue Policy"], start)
    metric, unit = _metric(row["Metric"], level)
    automation, waited = _task(row["Task"])
    if (metric == "reports_actioned") != bool(waited):
        raise Dropped("a turnaround time without reports, or reports without one")
    value = number(row["Result"])
    value = share(value) if unit == "share" else count(value)
    name = f"{metric}_{waited}" if waited else metric
    return [Fact("tiktok", name, start, end, market, policy, automation, value, unit)]


def _period(text: str) -> tuple[date, date]:
    found = re.fullmatch(r"(\w{3}-\w{3}) (\d{4})", text)
    return quarter(f"{found[2]}-{_MONTHS.get(found[1], '')}" if found else text)


def _market(location: str, name: str) -> str | None:
    kind = fold(location)
    if kind == TOTAL:
        return None
    if kind == "language":
        raise Dropped("about a language, not a market")
    code = territory_code(name)
    if kind != "market" or code is None:
        raise Dropped(f"the market {name!r} is no country that CLDR names")
    return code


def _policy(kind: str, name: str, start: date) -> tuple[str, str | None]:
    """Which level a policy lies on, and its stable name."""
    level = fold(kind)
    if level == TOTAL and fold(name) == TOTAL:
        return "all", None
    if level in CATEGORY_TYPES:
        return "category", _SPELLINGS.get(fold(name), name)
    if level in POLICY_TYPES:
        return "policy", _within(name, start)
    if level == "ban reason":
        return "reason", name
    raise Dropped(f"the policy type {kind!r} is not known")


def _within(name: str, start: date) -> str:
    """`Category - Policy`; the category is written, or known from the guidelines of the time."""
    category, _, policy = name.rpartition(" - ")
    if category:
        return f"{category} - {policy}"
    parents = _PARENTS_2023 if start >= GUIDELINES_2023 else _PARENTS_2020
    if fold(name) not in parents:
        raise Dropped(f"the policy {name!r} belongs to no category that is known")
    return " - ".join(parents[fold(name)])


def _metric(name: str, level: str) -> tuple[str, str]:
    key = fold(name)
    if key in COUNTS:
        return COUNTS[key], "count"
    if key not in SHARES:
        raise Dropped(f"the metric {name!r} is not known")
    within = SHARES[key] == "category_share" and level == "policy"
    return "share_within_category" if within else SHARES[key], "share"


def _task(task: str) -> tuple[str | None, str | None]:
    """Who decided, and how long a report waited; at most one of them is given."""
    key = fold(task)
    if key == TOTAL:
        return None, None
    if key in ("automation", "human moderation"):
        return key, None
    if key in TURNAROUND:
        return None, TURNAROUND[key]
    raise Dropped(f"the task {task!r} is not known")


TIKTOK = Format("TikTok", COLUMNS, ("tiktok",), read)

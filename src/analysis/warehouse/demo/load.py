"""The world's constants as small temporary tables and macros, which the simulation's SQL reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from math import log

from analysis.calendar import Market
from analysis.warehouse.demo import events, world
from analysis.warehouse.demo.events import Experiment, Incident

Row = tuple[object, ...]


def seconds(market: Market, day: date) -> int:
    """The first instant of a local day, in seconds since 1970."""
    return int(market.start_of(day).timestamp())


def utc_seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def number(code: str) -> int:
    """A market's number, from its code alone, so that adding a market changes no other's rows.

    >>> number("AA"), number("ZZ")
    (0, 675)
    """
    return (ord(code[0]) - 65) * 26 + ord(code[1]) - 65


def market_rows(markets: Mapping[str, Market], scale: float) -> Iterator[Row]:
    for market in markets.values():
        own = world.MARKETS.get(market.code, world.MarketWorld())
        start, end = seconds(market, world.FIRST_DAY), seconds(market, world.END_DAY)
        posts = world.POSTS * scale * own.size / world.WHOLE_SIZE
        creators = max(40, round(posts / world.POSTS_PER_CREATOR))
        spammers = max(5, round(posts / 800))
        yield (
            market.code, number(market.code), market.zone, start, end, (end - start) // 3600,
            posts, creators, spammers, own.violation, own.reporting, own.late, own.southern,
            *own.weekend,
        )  # fmt: skip


MARKET_COLUMNS = """market VARCHAR, no UINTEGER, zone VARCHAR, starts BIGINT, ends BIGINT,
    hours INTEGER, posts DOUBLE, creators BIGINT, spammers BIGINT, violation DOUBLE,
    reporting DOUBLE, late INTEGER, southern BOOLEAN, weekend_1 INTEGER, weekend_2 INTEGER"""


def language_shares(languages: Sequence[str]) -> dict[str, float]:
    """The share of a market's creators in each of its languages; the last takes what is left."""
    shares: dict[str, float] = {}
    for i, language in enumerate(languages):
        left = 1 - sum(shares.values())
        last = i == len(languages) - 1
        shares[language] = left if last else left * world.FIRST_LANGUAGE_SHARE
    return shares


def language_rows(markets: Mapping[str, Market]) -> Iterator[Row]:
    for market in markets.values():
        low = 0.0
        for language, share in language_shares(market.languages).items():
            apart = world.separation(world.AUC.get(language, world.DEFAULT_AUC))
            yield market.code, language, low, low + share, apart
            low += share


def spans(
    markets: Mapping[str, Market], incident: Incident
) -> Iterator[tuple[Market, datetime, datetime]]:
    """The markets that an incident touches, and between which instants."""
    for market in markets.values():
        here = incident.market in (None, market.code)
        if here and incident.language in (None, *market.languages):
            end = incident.ends or world.END_DAY
            yield market, market.start_of(incident.starts), market.start_of(end)


def incident_rows(markets: Mapping[str, Market]) -> Iterator[Row]:
    """The incidents as the simulation reads them: by market, in seconds."""
    for each in events.INCIDENTS:
        for market, start, end in spans(markets, each):
            where = (each.kind, market.code, each.language, each.surface, each.policy)
            yield (*where, int(start.timestamp()), int(end.timestamp()), each.effect)


INCIDENT_COLUMNS = """kind VARCHAR, market VARCHAR, language VARCHAR, surface VARCHAR,
    policy VARCHAR, from_s BIGINT, to_s BIGINT, effect DOUBLE"""


def policy_worlds(policies: Sequence[str]) -> dict[str, world.PolicyWorld]:
    return {name: world.POLICIES.get(name, world.DEFAULT_POLICY) for name in policies}


def choice(name: str, shares: Mapping[str, float]) -> str:
    """A macro that turns a uniform number into a name, with chances in proportion to the shares.

    >>> choice("coin", {"heads": 1, "tails": 1})
    "CREATE OR REPLACE TEMP MACRO coin(x) AS CASE WHEN x < 0.5 THEN 'heads' ELSE 'tails' END"
    """
    whole, up = sum(shares.values()), 0.0
    *most, last = shares
    cases = ""
    for key in most:
        up += shares[key] / whole
        cases += f" WHEN x < {up:.12g} THEN '{key}'"
    value = f"CASE{cases} ELSE '{last}' END" if most else f"'{last}'"
    return f"CREATE OR REPLACE TEMP MACRO {name}(x) AS {value}"


def macros(markets: Mapping[str, Market], policies: Sequence[str]) -> Iterator[str]:
    """The macros that name things by chance, and the one that names an action."""
    sizes = {code: world.MARKETS.get(code, world.MarketWorld()).size for code in markets}
    yield choice("policy_of", {k: v.rate for k, v in policy_worlds(policies).items()})
    yield choice("surface_of", world.SURFACES)
    yield choice("other_surface_of", {"feed": 0.4, "search": 0.35, "profile": 0.25})
    yield choice("topic_of", dict.fromkeys(world.TOPICS, 1))
    yield choice("market_of", sizes)
    yield choice("platform_of", {"android": 0.62, "ios": 0.33, "web": 0.05})
    yield (
        "CREATE OR REPLACE TEMP MACRO action_of(acted, limited, policy) AS CASE "
        "WHEN NOT acted THEN 'no_action' WHEN NOT limited THEN 'remove' "
        "WHEN policy IN ('adult_nudity', 'graphic_content', 'dangerous_acts') "
        "THEN 'age_restrict' ELSE 'restrict' END"
    )


def numbers(policies: Sequence[str], scale: float) -> dict[str, object]:
    """What the SQL's `$names` stand for, but for the seed."""
    violating = sum(policy.rate for policy in policy_worlds(policies).values())
    low, high = world.DRAWS_BOUNDS
    days = (world.END_DAY - world.FIRST_DAY).days
    return {
        "first_day": world.FIRST_DAY.isoformat(),
        "days": days,
        "swing": world.YEARLY_SWING,
        "growth": world.YEARLY_GROWTH,
        "weekend": world.WEEKEND_LIFT,
        "noise": world.DAILY_NOISE,
        "violating": round(violating, 6),
        "base_logit": round(log(violating / (1 - violating)), 6),
        "median_views": world.MEDIAN_VIEWS,
        "most_views": world.MOST_VIEWS,
        "median_violating_views": world.MEDIAN_VIOLATING_VIEWS,
        "violating_reach": world.VIOLATING_REACH,
        "report_rate": world.REPORT_RATE,
        "violating_report_rate": world.VIOLATING_REPORT_RATE,
        "automated_from": world.AUTOMATED_FROM,
        "queued_from": world.QUEUED_FROM,
        "automated_s": world.AUTOMATED_S,
        "queued_s": world.QUEUED_S,
        "reported_s": world.REPORTED_S,
        "sensitivity": world.REVIEW_SENSITIVITY,
        "specificity": world.REVIEW_SPECIFICITY,
        "appealed_rightly": world.APPEALED[False],
        "appealed": world.APPEALED[True],
        "overturned_rightly": world.OVERTURNED[False],
        "overturned": world.OVERTURNED[True],
        "reporters": max(200, round(6000 * scale)),
        "slots": len(world.SLOTS),
        "draws": round(min(high, max(low, world.DRAWS * scale**0.5))),
        "units": round(world.UNITS_PER_EXPERIMENT * scale),
    }


def experiment_rows() -> Iterator[Row]:
    """The experiments as the simulation reads them."""
    for no, each in enumerate(events.EXPERIMENTS):
        yield (
            each.name, no, utc_seconds(each.starts), utc_seconds(each.ends), each.lost,
            each.means["sessions"], each.effects["sessions"],
            each.main, each.means[each.main], each.effects[each.main],
            each.side, each.means[each.side], each.effects[each.side],
        )  # fmt: skip


EXPERIMENT_COLUMNS = """experiment VARCHAR, no UINTEGER, from_s BIGINT, to_s BIGINT, lost DOUBLE,
    sessions_mean DOUBLE, sessions_effect DOUBLE,
    main VARCHAR, main_mean DOUBLE, main_effect DOUBLE,
    side VARCHAR, side_mean DOUBLE, side_effect DOUBLE"""


def tables(
    markets: Mapping[str, Market], policies: Sequence[str], scale: float
) -> Iterator[tuple[str, str, list[Row]]]:
    """Name, columns and rows of each small table."""
    yield "w_market", MARKET_COLUMNS, list(market_rows(markets, scale))
    yield (
        "w_language",
        "market VARCHAR, language VARCHAR, lo DOUBLE, hi DOUBLE, separation DOUBLE",
        list(language_rows(markets)),
    )
    yield (
        "w_policy",
        "policy VARCHAR, limited DOUBLE, reported DOUBLE",
        [(name, p.limited, p.reported) for name, p in policy_worlds(policies).items()],
    )
    yield (
        "w_hour",
        "hour INTEGER, views INTEGER, posts INTEGER",
        [(h, world.VIEWS_BY_HOUR[h], world.POSTS_BY_HOUR[h]) for h in range(24)],
    )
    slots = enumerate(zip(world.SLOTS, world.slot_masses(), strict=True))
    yield (
        "w_slot",
        "slot UINTEGER, first_age INTEGER, width UBIGINT, mass DOUBLE",
        [(i, first, last - first + 1, mass) for i, ((first, last), mass) in slots],
    )
    yield "w_incident", INCIDENT_COLUMNS, list(incident_rows(markets))
    yield "w_experiment", EXPERIMENT_COLUMNS, list(experiment_rows())
    yield (
        "w_team",
        "language VARCHAR, raters INTEGER, no UINTEGER",
        [
            (name, world.RATERS.get(name, world.DEFAULT_RATERS), sum(map(ord, name)))
            for name in languages_of(markets)
        ],
    )


def known_truth(markets: Mapping[str, Market]) -> Iterator[Row]:
    """The rows of `demo_truth` that are known before anything is simulated."""
    for incident in events.INCIDENTS:
        where = (incident.language, incident.surface, incident.policy)
        what = (incident.metric, incident.effect, incident.detail)
        for market, start, end in spans(markets, incident):
            yield incident.name, incident.kind, market.code, *where, start, end, *what
    for each in events.EXPERIMENTS:
        yield from experiment_truth(each)
    for language in languages_of(markets):
        auc = world.AUC.get(language, world.DEFAULT_AUC)
        row = ("classifier", "classifier_auc", None, language, None, None, None, None)
        yield *row, "auc", auc, "area under the ROC of risk_score, outside incidents"


def experiment_truth(experiment: Experiment) -> Iterator[Row]:
    """An experiment's true effects, and the share of units that it loses."""
    starts, ends = (datetime.fromtimestamp(utc_seconds(day), UTC) for day in experiment.span)
    row = (experiment.name, "experiment", None, None, None, None, starts, ends)
    for metric, effect in experiment.effects.items():
        detail = "relative effect of treatment on the outcome's mean, were no unit lost"
        yield *row, metric, effect, detail
    detail = "share of the treatment arm's units that dropped out, the less active ones"
    yield *row, "treatment_units_lost", experiment.lost, detail


def languages_of(markets: Mapping[str, Market]) -> list[str]:
    return sorted({name for market in markets.values() for name in market.languages})

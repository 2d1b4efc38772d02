"""A small platform made by hand: three markets, 60 weeks, every table that metrics read.

Independent of the demo platform, so that metrics are tested on rows whose making is seen here.
"""

from __future__ import annotations

from analysis.project import Project
from analysis.warehouse import open_warehouse

#: The first instant after the data, and how many days there are.
END, DAYS = "2026-03-09", 420
MARKETS = {"JP": 150, "NP": 12, "US": 120}  # posts a day


def rng(column: str, salt: str) -> str:
    """A number in (0, 1) that depends on a column and a salt only."""
    return f"((hash({column} || '{salt}') % 1000003 + 0.5) / 1000003.0)"


def make_small(project: Project) -> None:
    """Fills the project's warehouse."""
    with open_warehouse(project, write=True) as warehouse:
        offset = 0
        for market, posts in MARKETS.items():
            warehouse.execute(_content(market, posts, offset))
            offset += posts * DAYS
        for sql in (_EXPOSURE, _DECISIONS, _REPORTS, _APPEALS, _DRAWS, _RATINGS):
            warehouse.execute(sql)
        for table in ("content", "exposure", "decisions", "user_reports", "appeals", "ratings"):
            warehouse.stamp(table, "small-1")
        warehouse.stamp("prevalence_draws", "small-1")


def _content(market: str, posts: int, offset: int) -> str:
    creators, zone = posts * 4, "TIMESTAMPTZ"
    place = rng("id", "creator")
    return f"""
INSERT INTO content
SELECT id, {offset} + floor({creators} * {place} * {place})::BIGINT, '{market}', 'xx', 'feed',
  {zone} '{END} 00:00:00+00' - to_seconds(CAST({DAYS} * 86400 * {rng("id", "posted")} AS BIGINT)),
  20, 'topic', {rng("id", "risk")}
FROM (SELECT {offset} + i AS id FROM range({posts * DAYS}) AS r(i))"""


# A post violates by its creator's propensity; views are heavy-tailed.
_RISKY = f"0.02 + 0.4 * ({rng('creator_id', 'bad')} < 0.1)::INT"
_EXPOSURE = f"""
INSERT INTO exposure
SELECT content_id, market, surface, date_trunc('hour', posted_at) + to_hours(age),
  floor(exp(1.5 * sqrt(-2 * ln({rng("content_id", "v1")})) * cos(6.2832 * {rng("content_id", "v2")})
    + 3) / (1 + age))::BIGINT + 1 AS views, 1
FROM content, range(3) AS ages(age)
WHERE date_trunc('hour', posted_at) + to_hours(age) < TIMESTAMPTZ '{END} 00:00:00+00'"""
_DECISIONS = f"""
INSERT INTO decisions
SELECT * FROM (SELECT content_id, content_id, creator_id, market, 'spam',
  CASE WHEN {rng("content_id", "act")} < 0.8 AND {rng("content_id", "bad")} < {_RISKY}
    THEN 'remove' ELSE 'no_action' END,
  CASE WHEN {rng("content_id", "how")} < 0.9 THEN 'proactive' ELSE 'user_report' END,
  {rng("content_id", "auto")} < 0.85,
  posted_at + to_seconds(CAST(3600 * 4 * exp(1.8 * ln({rng("content_id", "t")}
    / (1 - {rng("content_id", "t")}))) AS BIGINT)) AS decided_at,
  floor(10 * greatest({rng("content_id", "vb")} - 0.6, 0) * 20)::BIGINT
FROM content
WHERE {rng("content_id", "bad")} < {_RISKY} OR {rng("content_id", "rep")} < 0.02
) WHERE decided_at < TIMESTAMPTZ '{END} 00:00:00+00'"""
_REPORTS = f"""
INSERT INTO user_reports
SELECT * FROM (SELECT content_id * 4 + k, content_id, content_id * 7 + k, market, 'spam',
  posted_at + to_seconds(CAST(7200 * {rng("content_id", "rt")} AS BIGINT)) AS reported_at
FROM content, range(2) AS copies(k)
WHERE {rng("content_id", "rep")} < 0.02 + 0.1 * ({rng("content_id", "bad")} < {_RISKY})::INT
) WHERE reported_at < TIMESTAMPTZ '{END} 00:00:00+00'"""
_APPEALS = f"""
INSERT INTO appeals
SELECT decision_id, decision_id, decided_at + INTERVAL 20 HOUR,
  CASE WHEN {rng("decision_id", "res")} < 0.9 THEN decided_at + INTERVAL 70 HOUR END,
  CASE WHEN {rng("decision_id", "res")} < 0.9 THEN
    CASE WHEN {rng("decision_id", "over")} < 0.25 THEN 'overturned' ELSE 'upheld' END END
FROM decisions
WHERE action = 'remove' AND {rng("decision_id", "app")} < 0.08
  AND decided_at + INTERVAL 70 HOUR < TIMESTAMPTZ '{END} 00:00:00+00'"""
_DRAWS = f"""
INSERT INTO prevalence_draws
SELECT content_id, content_id, market, surface, posted_at, 10 + 90 * {rng("content_id", "im")},
  (10 + 90 * {rng("content_id", "im")}) * (0.2 + {rng("content_id", "s")}) / 1e7, 'all', risk_score,
  CASE WHEN {rng("content_id", "lab")} < 0.01 THEN 'spam' END, {rng("content_id", "lab")} < 0.01
FROM content WHERE {rng("content_id", "drawn")} < 0.7"""
# Three moderators of sixteen label an item; one item in four has a known answer.
_RATINGS = f"""
INSERT INTO ratings
SELECT content_id * 3 + k, content_id, ascii(market) * 100 + (content_id + 5 * k) % 16,
  CASE WHEN content_id % 2 = 0 THEN 'spam' ELSE 'hate_speech' END, 'xx', market,
  violates <> ({rng("content_id * 3 + k", "slip")} < 0.1),
  CASE WHEN content_id % 4 = 0 THEN violates END,
  posted_at + to_seconds(60 * k),
  posted_at + to_seconds(60 * k + 5 + CAST(60 * {rng("content_id * 3 + k", "pace")} AS BIGINT)),
  NULL, NULL
FROM (SELECT *, {rng("content_id", "bad")} < {_RISKY} AS violates FROM content
  WHERE {rng("content_id", "chosen")} < 0.2) AS items, range(3) AS seats(k)"""

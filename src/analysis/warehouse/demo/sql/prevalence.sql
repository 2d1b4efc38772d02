-- A probability sample of the impression stream, a market and local week at a time: n draws with
-- replacement, nine in ten proportional to views times the square root of the risk score, one in
-- ten to views alone (the defensive mixture). All weights are whole numbers, so sums are exact.
CREATE OR REPLACE TEMP TABLE weekly AS
WITH summed AS (
    SELECT s.no, h.week, s.content_id, sum(s.views)::BIGINT AS views
    FROM shown AS s JOIN hours AS h ON h.hour_key = s.no * 16384 + s.k
    GROUP BY ALL
)
SELECT
    w.no, w.week, w.content_id, w.views,
    greatest(1, round(1000 * w.views * sqrt(p.risk_score)))::BIGINT AS weight,
    (sum(w.views) OVER up)::BIGINT AS views_up,
    (sum(weight) OVER up)::BIGINT AS weight_up,
    p.market, p.surface, p.risk_score, p.violates, p.suspect, p.posted
FROM summed AS w JOIN posts AS p USING (content_id)
WINDOW up AS (PARTITION BY w.no, w.week ORDER BY w.content_id ROWS UNBOUNDED PRECEDING);

CREATE OR REPLACE TEMP TABLE weeks AS
SELECT
    w.market, w.no, w.week, c.from_s, c.to_s,
    sum(w.views)::BIGINT AS views,
    sum(w.weight)::BIGINT AS weight,
    sum(w.views * w.violates::BIGINT)::BIGINT AS violating
FROM weekly AS w
JOIN (SELECT no, week, min(s) AS from_s, max(s) + 3600 AS to_s FROM hours GROUP BY ALL) AS c
    USING (no, week)
GROUP BY ALL;

-- Each draw's target on the running sum of weights; tables of their own, or DuckDB 2.0 works the
-- random numbers out anew for every comparison of the joins.
CREATE OR REPLACE TEMP TABLE draws AS
WITH numbered AS (
    SELECT w.*, unnest(range($draws)) AS i FROM weeks AS w
),
named AS (
    SELECT * EXCLUDE i, pseudonym(7, no, week * 1048576 + i) AS draw_id FROM numbered
)
SELECT
    *,
    u(draw_id, 101) < 0.1 AS defensive,
    floor(u(draw_id, 102) * CASE WHEN defensive THEN views ELSE weight END)::BIGINT + 1 AS target
FROM named;

CREATE OR REPLACE TEMP TABLE drawn AS
SELECT d.*, c.content_id, c.views AS v, c.weight AS a
FROM (FROM draws WHERE defensive) AS d
ASOF JOIN weekly AS c ON c.no = d.no AND c.week = d.week AND d.target <= c.views_up
UNION ALL
SELECT d.*, c.content_id, c.views AS v, c.weight AS a
FROM (FROM draws WHERE NOT defensive) AS d
ASOF JOIN weekly AS c ON c.no = d.no AND c.week = d.week AND d.target <= c.weight_up;

INSERT INTO prevalence_draws
SELECT
    draw_id, content_id, d.market, p.surface,
    make_timestamptz((greatest(d.from_s, p.posted)
        + floor(u(draw_id, 103) * (d.to_s - greatest(d.from_s, p.posted)))::BIGINT) * 1000000),
    d.v, 0.9 * d.a / d.weight + 0.1 * d.v / d.views,
    CASE WHEN p.risk_score >= 0.5 THEN 'high' WHEN p.risk_score >= 0.05 THEN 'mid' ELSE 'low' END,
    p.risk_score,
    CASE WHEN p.violates THEN p.suspect END,
    p.violates
FROM drawn AS d JOIN posts AS p USING (content_id);

INSERT INTO demo_truth
SELECT
    'week', 'violative_view_rate', market, NULL, NULL, NULL,
    make_timestamptz(from_s * 1000000), make_timestamptz(to_s * 1000000),
    'violative_view_rate', violating / views, 'share of recorded views of violating posts'
FROM weeks;

-- Decisions that come to pass: after an action the later decision on the same post is void, and
-- what would be decided after the data's end still waits.
CREATE OR REPLACE TEMP TABLE decided AS
WITH both_ AS (
    SELECT *, decided AS at_s FROM (FROM proactive UNION ALL BY NAME FROM reactive)
),
ranked AS (
    SELECT
        *,
        min(CASE WHEN action <> 'no_action' THEN at_s END) OVER post AS first_action,
        row_number() OVER (PARTITION BY content_id ORDER BY at_s, detection) AS nth
    FROM both_
    WINDOW post AS (PARTITION BY content_id)
)
SELECT d.*, (at_s - m.starts) // 3600 AS k, (at_s - m.starts) % 3600 AS into_hour
FROM ranked AS d JOIN w_market AS m USING (market)
WHERE at_s < m.ends AND (first_action IS NULL OR at_s < first_action
    OR (at_s = first_action AND action <> 'no_action' AND nth = 1));

-- What was shown in the end: nothing after a removal, less after a restriction. The logging change
-- counts views twice and leaves viewers alone.
CREATE OR REPLACE TEMP TABLE shown AS
WITH acted AS (FROM decided WHERE action <> 'no_action'),
cut AS (
    SELECT
        v.content_id, v.no, v.k, v.s, v.surface, v.e,
        CASE
            WHEN a.action IS NULL OR v.k < a.k THEN v.views
            WHEN a.action = 'remove' AND v.k > a.k THEN 0
            WHEN a.action = 'remove' AND a.detection = 'user_report'
                THEN whole(v.views * a.into_hour / 3600, u(v.e, 71))
            WHEN a.action = 'remove' OR v.k = a.k THEN v.views
            ELSE whole(v.views * CASE a.action WHEN 'restrict' THEN 0.3 ELSE 0.6 END, u(v.e, 71))
        END AS real_views
    FROM seen AS v LEFT JOIN acted AS a USING (content_id)
)
SELECT
    c.content_id, c.no, m.market, c.k, c.s, c.surface,
    real_views * coalesce(i.effect, 1)::BIGINT AS views,
    real_views - floor(real_views * 0.2 * u(c.e, 72))::BIGINT AS viewers
FROM cut AS c
JOIN w_market AS m USING (no)
LEFT JOIN (FROM w_incident WHERE kind = 'logging_change') AS i
    ON i.market = m.market AND i.surface = c.surface AND c.s >= i.from_s AND c.s < i.to_s
WHERE real_views > 0;

INSERT INTO exposure
SELECT content_id, market, surface, make_timestamptz(s * 1000000), views, viewers
FROM shown;

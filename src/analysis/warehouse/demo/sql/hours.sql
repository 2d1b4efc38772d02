-- Every hour of every market, numbered from its first local midnight: the local day and hour that
-- it lies in, how active viewers are in it, and how many posts to expect.
CREATE OR REPLACE TEMP TABLE hours AS
WITH clock AS (
    SELECT
        m.*,
        k,
        m.starts + 3600 * k AS s,
        timezone(m.zone, make_timestamptz(s * 1000000)) AS local,
        local::DATE AS day,
        date_diff('day', DATE '$first_day', day) AS n
    FROM w_market AS m, unnest(range(m.hours)) AS r(k)
),
rhythm AS (
    SELECT
        *,
        n // 7 AS week,
        extract('hour' FROM local)::INTEGER AS local_hour,
        -- Summer is quieter; half a year apart in the south.
        1 + $swing * cos(6.283185307179586 * (dayofyear(day) - 10) / 365.25)
            * CASE WHEN southern THEN -1 ELSE 1 END AS season,
        1 + $growth * n / 365.25 AS growth,
        CASE WHEN isodow(day) IN (weekend_1, weekend_2) THEN $weekend ELSE 1 END AS weekend,
        1 + $noise * z(no * 4096 + n, 1) AS noise
    FROM clock
),
-- Whole numbers, because sums of fractions depend on the order in which threads add them.
weighed AS (
    SELECT
        r.*,
        round(w.views * 1000 * r.weekend * r.noise)::BIGINT AS view_weight,
        round(w.posts * 1000 * r.weekend * r.noise * r.season * r.growth)::BIGINT AS post_weight
    FROM rhythm AS r
    JOIN w_hour AS w ON w.hour = (r.local_hour - r.late + 24) % 24
)
SELECT
    h.market,
    no,
    k,
    no * 16384 + k AS hour_key,
    s,
    week,
    k = hours - 1 AS last,
    posts * post_weight / sum(post_weight) OVER one AS expected_posts,
    view_weight * hours / sum(view_weight) OVER one AS activity,
    -- Spam accounts do not sleep.
    coalesce(posts / $days / 24 * wave.effect, 0) AS wave_posts
FROM weighed AS h
LEFT JOIN (FROM w_incident WHERE kind = 'spam_wave') AS wave
    ON wave.market = h.market AND h.s >= wave.from_s AND h.s < wave.to_s
WINDOW one AS (PARTITION BY h.market);

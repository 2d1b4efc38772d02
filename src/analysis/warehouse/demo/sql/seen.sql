-- Views by hour, of what is not removed proactively. In each slot of a post's age one hour holds
-- the slot's views: their share of the post's, times how active the market is in that local hour.
CREATE OR REPLACE TEMP TABLE seen AS
WITH slots AS (
    SELECT
        p.content_id, p.no, p.k, p.posted, p.surface AS home, p.potential * w.mass AS due,
        bits(content_id, 32 + slot) AS b,
        w.first_age + ((b >> 26) * w.width) // 67108864 AS age
    FROM (SELECT *, unnest(range($slots)) AS slot FROM posts) AS p
    JOIN w_slot AS w USING (slot)
),
lit AS (
    SELECT
        content_id, h.no, home, b, h.k, h.s,
        -- The seconds of this hour in which the post is there.
        greatest(0, least(h.s + 3600, coalesce(r.decided, h.s + 3600)) - greatest(h.s, posted))
            / 3600.0 AS there,
        due * h.activity * there AS mean
    FROM slots
    JOIN hours AS h ON h.hour_key = slots.no * 16384 + slots.k + slots.age
    LEFT JOIN (SELECT content_id, decided FROM proactive WHERE action = 'remove') AS r USING (content_id)
),
counted AS (
    SELECT
        content_id, no, k, s, home, b & 67108863 < 53687091 AS at_home,
        mix(xor(content_id::UBIGINT, k::UBIGINT * 68719476736)) AS e,
        (mix(b) & 67108863)::DOUBLE / 67108864 AS by_surface,
        whole(mean * (0.5 + (e >> 26)::DOUBLE / 67108864), (e & 67108863)::DOUBLE / 67108864)
            AS views
    FROM lit
    WHERE there > 0
)
SELECT
    content_id, no, k, s, e, views,
    CASE
        WHEN home = 'live' OR at_home THEN home
        ELSE other_surface_of(by_surface)
    END AS surface
FROM counted
WHERE views > 0;

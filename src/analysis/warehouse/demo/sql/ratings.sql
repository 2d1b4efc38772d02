-- Labels by several raters an item. A rater's skill is a property of the rater; some items are
-- hard for everyone, so that raters err together. Items with a known answer come with their design
-- weight; for the others it would give their answer away.
INSERT INTO ratings
WITH items AS (
    SELECT
        content_id, market, no, language, violates, suspect, posted,
        3 + floor(3 * u(content_id, 91))::INTEGER AS raters,
        u(content_id, 92) < 0.2 AS gold,
        CASE WHEN u(content_id, 93) < 0.15 THEN 0.25 ELSE 0 END AS hardness,
        CASE WHEN violates THEN 0.55 ELSE 0.085 END AS chance
    FROM posts
    WHERE u(content_id, 94) < chance
),
seats AS (
    SELECT *, mix(xor(content_id::UBIGINT, (j + 1)::UBIGINT * 70368744177664)) AS e
    FROM (SELECT *, u(content_id, 98) AS team, unnest(range(raters)) AS j FROM items)
),
rated AS (
    SELECT
        s.*, r.rater_id,
        posted + 3600 + floor(spread(e, 95, 150000, 0.9))::BIGINT AS started,
        started + 2 + floor(spread(e, 96, 19, 0.7))::BIGINT AS finished,
        CASE
            WHEN violates THEN u(e, 97) < r.sensitivity - hardness
            ELSE u(e, 97) >= r.specificity - hardness
        END AS label
    FROM seats AS s
    JOIN w_rater AS r ON r.language = s.language
        AND r.nth = (floor(s.team * r.raters)::INTEGER + s.j * 3) % r.raters
)
SELECT
    pseudonym(6, no, row_number() OVER (PARTITION BY market ORDER BY content_id, j)),
    content_id, rater_id, suspect, language, market, label,
    CASE WHEN gold THEN violates END,
    make_timestamptz(started * 1000000), make_timestamptz(finished * 1000000),
    CASE WHEN gold THEN 1 / chance END, NULL
FROM rated JOIN (SELECT market, ends FROM w_market) AS m USING (market)
WHERE finished < m.ends;

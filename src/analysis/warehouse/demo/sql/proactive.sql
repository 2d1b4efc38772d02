-- What the platform finds by itself: the surest posts are removed by machine within minutes, the
-- next go to a queue that moderators work off within hours, mostly.
CREATE OR REPLACE TEMP TABLE proactive AS
WITH queued AS (
    SELECT
        content_id, market, no, creator_id, posted, violates, suspect, limited,
        risk_score >= $automated_from AND u(content_id, 21) < 0.88 AS automated,
        posted + 20 + CASE
            WHEN automated THEN spread(content_id, 22, $automated_s, 1.7)
            ELSE spread(content_id, 22, $queued_s, 1.3) END AS decided,
        CASE
            WHEN automated THEN TRUE
            WHEN violates THEN u(content_id, 23) < $sensitivity
            ELSE u(content_id, 23) >= $specificity
        END AS acted
    FROM posts
    WHERE risk_score >= $queued_from AND (automated OR u(content_id, 24) < 0.92)
)
SELECT
    *,
    'proactive' AS detection,
    action_of(acted, NOT automated AND u(content_id, 25) < limited, suspect) AS action
FROM (SELECT * REPLACE (floor(decided)::BIGINT AS decided) FROM queued);

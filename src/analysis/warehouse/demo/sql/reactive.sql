-- What users report while they view, and what moderators decide on the first report.
CREATE OR REPLACE TEMP TABLE reported AS
WITH raised AS (
    SELECT
        v.content_id, v.k, v.s, v.e, p.no, p.market, p.posted, p.violates, p.suspect,
        unnest(range(least(200, whole(v.views * p.report_rate, u(v.e, 51))))) AS j
    FROM seen AS v JOIN posts AS p USING (content_id)
),
dated AS (
    SELECT
        *,
        mix(e + j::UBIGINT) AS one,
        greatest(s, posted) + 1
            + floor(u(one, 52) * (s + 3598 - greatest(s, posted)))::BIGINT AS at_s,
        u(one, 55) AS by_policy
    FROM raised
)
SELECT
    content_id, k, no, market, j, at_s, violates, suspect,
    -- Some accounts report much.
    pseudonym(3, no, floor(u(one, 53) * u(one, 53) * $reporters)::BIGINT) AS reporter_id,
    CASE WHEN u(one, 54) < CASE WHEN violates THEN 0.7 ELSE 0.1 END
        THEN suspect ELSE policy_of(by_policy) END AS policy
FROM dated;

CREATE OR REPLACE TEMP TABLE reactive AS
WITH first AS (
    SELECT content_id, min(at_s) AS at_s, arg_min(policy, (at_s, j)) AS claimed
    FROM reported
    GROUP BY content_id
),
reviewed AS (
    SELECT
        p.content_id, p.market, p.no, p.creator_id, p.posted, p.violates,
        CASE WHEN p.violates THEN p.suspect ELSE f.claimed END AS suspect,
        p.limited,
        -- Reports that name nothing checkable are closed by machine.
        NOT p.violates AND u(content_id, 61) < 0.25 AS automated,
        f.at_s + 30 + CASE
            WHEN automated THEN spread(content_id, 62, 300, 1.0)
            ELSE spread(content_id, 62, $reported_s, 1.4) END AS decided,
        CASE
            WHEN automated THEN FALSE
            WHEN violates THEN u(content_id, 63) < $sensitivity
            ELSE u(content_id, 63) >= $specificity + 0.005
        END AS acted
    FROM first AS f JOIN posts AS p USING (content_id)
    WHERE u(content_id, 64) < 0.9
)
SELECT
    r.* REPLACE (floor(decided)::BIGINT AS decided),
    'user_report' AS detection,
    action_of(acted, u(content_id, 65) < limited, suspect) AS action
FROM reviewed AS r;

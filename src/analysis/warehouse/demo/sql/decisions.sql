-- Reports until a removal, decisions with the views that came before them, and appeals.
INSERT INTO user_reports
SELECT
    pseudonym(4, r.no, row_number() OVER (PARTITION BY r.market ORDER BY r.content_id, r.k, r.j)),
    r.content_id, r.reporter_id, r.market, r.policy, make_timestamptz(r.at_s * 1000000)
FROM reported AS r
LEFT JOIN (FROM decided WHERE action = 'remove') AS d USING (content_id)
WHERE d.at_s IS NULL OR r.at_s < d.at_s;

CREATE OR REPLACE TEMP TABLE enforced AS
WITH before AS (
    SELECT
        d.content_id, d.detection,
        sum(CASE
            WHEN v.k < d.k OR d.action = 'remove' THEN v.views
            ELSE v.views * d.into_hour // 3600 END)::BIGINT AS views
    FROM decided AS d JOIN shown AS v ON v.content_id = d.content_id AND v.k <= d.k
    GROUP BY ALL
)
SELECT
    d.*,
    pseudonym(5, d.no, row_number() OVER (
        PARTITION BY d.market ORDER BY d.content_id, d.detection)) AS decision_id,
    coalesce(b.views, 0) AS views_before
FROM decided AS d LEFT JOIN before AS b USING (content_id, detection);

INSERT INTO decisions
SELECT
    decision_id, content_id, creator_id, market, suspect, action, detection, automated,
    make_timestamptz(at_s * 1000000), views_before
FROM enforced;

-- Those who were wronged appeal more often and win more often; both take days to weeks.
INSERT INTO appeals
WITH asked AS (
    SELECT
        decision_id, violates, ends,
        at_s + 60 + floor(spread(decision_id, 81, 130000, 1.2))::BIGINT AS submitted,
        submitted + 600 + floor(spread(decision_id, 82, 300000, 0.9))::BIGINT AS resolved
    FROM enforced JOIN w_market USING (market)
    WHERE action <> 'no_action'
        AND u(decision_id, 83) < CASE
            WHEN violates THEN $appealed ELSE $appealed_rightly END * CASE action WHEN 'remove' THEN 1 ELSE 0.6 END
)
SELECT
    mix(xor(decision_id::UBIGINT, 1::UBIGINT))::BIGINT, decision_id,
    make_timestamptz(submitted * 1000000),
    CASE WHEN resolved < ends THEN make_timestamptz(resolved * 1000000) END,
    CASE
        WHEN resolved >= ends THEN NULL
        WHEN u(decision_id, 84) < CASE WHEN violates THEN $overturned ELSE $overturned_rightly END THEN 'overturned'
        ELSE 'upheld' END
FROM asked
WHERE submitted < ends;

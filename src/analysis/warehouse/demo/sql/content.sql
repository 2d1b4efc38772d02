-- Posts of the chunk's markets: who posted what and when, whether it violates which policy, what
-- the classifier says of it, and how many views it would have if nobody took it down.
CREATE OR REPLACE TEMP TABLE posts AS
WITH placed AS (
    -- The last hour of a market holds at least one post, so that its last day is whole.
    SELECT hours.*, FALSE AS wave, unnest(range(
        greatest(whole(expected_posts, u(hour_key, 2)), last::BIGINT))) AS j
    FROM hours SEMI JOIN chunk USING (market)
    UNION ALL
    SELECT hours.*, TRUE AS wave, unnest(range(
        8388608, 8388608 + whole(wave_posts, u(hour_key, 3)))) AS j
    FROM hours SEMI JOIN chunk USING (market)
    WHERE wave_posts > 0
),
-- One step for each pseudonym: the next draws its numbers from it.
numbered AS (
    SELECT p.*, m.violation, m.reporting, m.creators, m.spammers,
        p.last AND p.j = 0 AS anchor,
        pseudonym(1, p.no, p.k * 16777216 + p.j) AS content_id
    FROM placed AS p JOIN w_market AS m USING (market)
),
picked AS (
    SELECT *, u(content_id, 5) AS pick,
        s + floor(u(content_id, 4) * CASE WHEN anchor THEN 900 ELSE 3600 END)::BIGINT AS posted
    FROM numbered
),
-- A few creators post much: the rank of a post's creator is skewed to the first ones.
ranked AS (
    SELECT *, CASE
        WHEN wave THEN 1073741824 + floor(pick * spammers)::BIGINT
        ELSE floor(creators * pick * sqrt(pick))::BIGINT END AS rank
    FROM picked
),
named AS (
    SELECT *, pseudonym(2, no, rank) AS creator_id FROM ranked
),
-- Creators differ: a lognormal propensity with mean one, so that some offend repeatedly, mostly
-- against one policy of their own.
chances AS (
    SELECT
        n.*, l.language, l.separation,
        u(content_id, 6) AS by_surface,
        u(CASE WHEN u(content_id, 7) < 0.7 THEN creator_id ELSE content_id END, 8) AS by_topic,
        u(CASE WHEN u(content_id, 10) < 0.6 THEN creator_id ELSE content_id END, 11) AS by_policy,
        exp(1.4 * z(creator_id, 9) - 0.98) AS propensity,
        1.33 * z(content_id, 12) + 0.7 * z(creator_id, 13) AS reach
    FROM (SELECT *, u(creator_id, 14) AS by_language FROM named) AS n
    JOIN w_language AS l
        ON l.market = n.market AND n.by_language >= l.lo AND n.by_language < l.hi
),
made AS (
    SELECT
        *,
        CASE WHEN wave THEN 'live' ELSE surface_of(by_surface) END AS surface,
        topic_of(by_topic) AS topic,
        policy_of(by_policy) AS inclination
    FROM chances
),
judged AS (
    SELECT
        m.*,
        CASE WHEN wave THEN 'spam' ELSE inclination END AS suspect,
        CASE
            WHEN anchor THEN FALSE
            WHEN wave THEN u(content_id, 15) < 0.95
            ELSE u(content_id, 15) < least(0.85, $violating * violation * propensity)
                AND (r.effect IS NULL OR u(content_id, 16) < 1 + r.effect)
        END AS violates
    FROM made AS m
    LEFT JOIN (FROM w_incident WHERE kind = 'policy_change') AS r
        ON r.market = m.market AND r.policy = m.inclination
        AND m.posted >= r.from_s AND m.posted < r.to_s
),
scored AS (
    SELECT
        j.*,
        CASE
            WHEN anchor THEN -6
            WHEN o.market IS NOT NULL THEN -4.6 + 0.5 * z(content_id, 17)
            ELSE $base_logit - separation * separation / 2 + separation * (
                z(content_id, 17)
                + CASE WHEN wave THEN 0.5 ELSE 1 END * separation * violates::INTEGER)
        END AS logit
    FROM judged AS j
    LEFT JOIN (FROM w_incident WHERE kind = 'classifier_outage') AS o
        ON o.market = j.market AND o.language = j.language
        AND j.posted >= o.from_s AND j.posted < o.to_s
)
SELECT
    market, no, k, s, posted, content_id, creator_id, language, surface, topic, violates, suspect,
    round(least(600, greatest(3, spread(content_id, 18, 21.0, 0.8))), 1) AS duration_s,
    greatest(0.0001, least(0.9999, round(1 / (1 + exp(-logit)), 4))) AS risk_score,
    CASE
        WHEN anchor THEN 500
        WHEN violates THEN least($most_views, $median_violating_views * exp($violating_reach * reach))
        ELSE least($most_views, $median_views * exp(reach))
    END AS potential,
    reporting
        * CASE WHEN violates THEN $violating_report_rate * w.reported ELSE $report_rate END
        * spread(content_id, 19, 0.75, 0.8) AS report_rate,
    w.limited
FROM scored JOIN w_policy AS w ON w.policy = scored.suspect;

INSERT INTO content
SELECT
    content_id, creator_id, market, language, surface, make_timestamptz(posted * 1000000),
    duration_s, topic, risk_score
FROM posts;

INSERT INTO demo_truth_content
SELECT content_id, CASE WHEN violates THEN suspect END, violates FROM posts;

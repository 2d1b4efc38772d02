-- Users in two experiments. Effects on means are exact by construction: a count is its mean,
-- rounded up with the chance of its fraction.
INSERT INTO experiment_units
WITH numbered AS (
    SELECT x.*, pseudonym(8, no, i) AS unit_id FROM w_experiment AS x, unnest(range($units)) AS r(i)
),
named AS (
    SELECT *, CASE WHEN u(unit_id, 111) < 0.5 THEN 'treatment' ELSE 'control' END AS arm
    FROM numbered
),
units AS (
    SELECT
        *,
        z(unit_id, 112) AS liveliness,
        exp(0.8 * liveliness - 0.32) AS activity,
        activity * exp(0.4 * z(unit_id, 115) - 0.08) AS activity_before,
        activity * exp(0.4 * z(unit_id, 116) - 0.08) AS activity_after,
        (arm = 'treatment')::INTEGER AS treated,
        u(unit_id, 113) AS by_market,
        u(unit_id, 114) AS by_platform
    FROM named
),
-- The treatment's units that drop out were less active: the arms differ in size and in kind.
stayed AS (
    FROM units WHERE treated = 0 OR liveliness >= 0 OR u(unit_id, 117) >= 2 * lost
)
SELECT
    experiment, unit_id, arm, platform_of(by_platform), market_of(by_market),
    make_timestamptz((from_s + floor(u(unit_id, 118) * (to_s - from_s))::BIGINT) * 1000000),
    json_object(
        'sessions_before', whole(sessions_mean * activity_before, u(unit_id, 119)),
        main || '_before', whole(main_mean * activity_before, u(unit_id, 120)),
        'account_age_days', 1 + floor(spread(unit_id, 121, 300, 1.0))::BIGINT),
    json_object(
        'sessions', whole(
            sessions_mean * activity_after * (1 + sessions_effect * treated), u(unit_id, 122)),
        main, whole(main_mean * activity_after * (1 + main_effect * treated), u(unit_id, 123)),
        side, whole(side_mean * activity_after * (1 + side_effect * treated), u(unit_id, 124)))
FROM stayed;

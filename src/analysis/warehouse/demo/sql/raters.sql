-- Raters by language, each with a skill of their own, which `demo_truth` records.
CREATE OR REPLACE TEMP TABLE w_rater AS
SELECT
    language, raters, nth, rater_id,
    round(0.97 - 0.20 * u(rater_id, 99) * u(rater_id, 99), 4) AS sensitivity,
    round(0.992 - 0.07 * u(rater_id, 100) * u(rater_id, 100), 4) AS specificity
FROM (
    SELECT t.*, nth, pseudonym(9, t.no, nth) AS rater_id
    FROM w_team AS t, unnest(range(t.raters)) AS r(nth)
);

INSERT INTO demo_truth
SELECT
    rater_id::VARCHAR, 'rater', NULL, language, NULL, NULL, NULL, NULL,
    unnest(['sensitivity', 'specificity']), unnest([sensitivity, specificity]),
    'chance to label rightly a violating, a harmless item; hard items take 0.25 off'
FROM w_rater;

"""Prediction through a whole night: what is published is about the open cases of the published log, and follows from it."""

from datetime import timedelta

import psycopg


def test_what_is_published_is_about_the_open_cases_and_what_they_wait_for(settings, planted_company):
    planted_company(450, 4)
    with psycopg.connect(settings.warehouse_url) as db:
        kpis = db.execute(
            """select target, waiting_case_count, predicted_case_count, dormant_case_count, is_told, is_risk_told,
                      gain_lower_bound, brier_gain_lower_bound, known_case_count,
                      train_case_count + calibrate_case_count + test_case_count
               from bi.prediction_kpis where process = 'purchase_to_pay'"""
        ).fetchall()
        waiting = dict(
            db.execute(
                """select 'end of the case', count(*) from bi.cases where process = 'purchase_to_pay' and is_open
                   union all
                   select rule, count(*) from bi.due_dates inner join bi.cases using (process, case_key)
                   where process = 'purchase_to_pay' and is_open and done_at is null group by rule"""
            ).fetchall()
        )
        assert {target: count for target, count, *_ in kpis} == waiting and set(waiting) == {
            "end of the case",
            "goods",
            "approval",
        }
        for _, count, predicted, dormant, is_told, is_risk_told, gain, brier_gain, known, learnt in kpis:
            assert predicted + dormant == (count if is_told else 0)
            assert is_told == (gain is not None and gain > 0) and known == learnt
            assert is_risk_told == (is_told and brier_gain is not None and brier_gain > 0)
        told = {target for target, *_, is_told, _, _, _, _, _ in kpis if is_told}
        assert "approval" in told, kpis
        (last,) = db.execute(
            "select max(occurred_at) from event_log.events where process = 'purchase_to_pay'"
        ).fetchone()
        rows = db.execute(
            """select p.target, p.log_end_at, p.remaining_seconds, p.low_seconds, p.high_seconds, p.expected_at, p.due_at,
                      p.late_probability, c.is_open, c.case_id = p.case_id, d.due_at, d.done_at
               from bi.predictions as p inner join bi.cases as c using (process, case_key)
               left join bi.due_dates as d using (process, case_key)
               where p.process = 'purchase_to_pay' and (d.rule = p.target or d.rule is null or p.target = 'end of the case')"""
        ).fetchall()
        assert {row[0] for row in rows} == told
        risky = {target for target, *_, is_risk_told, _, _, _, _ in kpis if is_risk_told}
        for target, log_end, remaining, low, high, expected, due, risk, is_open, is_same_case, declared, done in rows:
            assert log_end == last and is_open and is_same_case
            assert 0 <= low <= remaining <= high
            assert abs(expected - last - timedelta(seconds=remaining)) <= timedelta(microseconds=1)
            if target == "end of the case":
                assert due is None and risk is None
            else:
                assert due == declared and done is None
                assert (risk is not None) == (target in risky)
                assert risk is None or ((risk == 1) if due < last else 0 < risk < 1)
        bins = db.execute(
            """select k.target, k.kind, max(k.observed_share), min(k.observed_share), sum(k.snapshot_count) / count(*),
                      t.test_snapshot_count
               from bi.prediction_calibration as k inner join bi.prediction_kpis as t using (process, target)
               where process = 'purchase_to_pay' group by 1, 2, t.test_snapshot_count"""
        ).fetchall()
        assert {target for target, *_ in bins} == {kpi[0] for kpi in kpis if kpi[-1] is not None}
        for _, kind, most, least, count, snapshots in bins:
            assert 0 <= least <= most <= 1 and (kind != "interval" or count == snapshots)

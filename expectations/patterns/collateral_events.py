"""Collateral events: several events in the log for one step of the process, fired by the system or by fine recording.

Signature: groups of events of a case with timestamps that are very close to each other.
"""

from expectations.checks import Check
from expectations.declaration import GateDeclaration
from expectations.patterns.groups import not_accepted
from expectations.patterns.knowledge import Knowledge
from expectations.sql_text import shown


def collateral_events(declared: GateDeclaration, known: Knowledge) -> Check:
    """A burst: at least `activities` (3) different ones of a case, each within `seconds` (3) of the one before.

    Suriadi et al. (2017), pattern 7. Nobody finishes three steps of a process within seconds of each other; the
    detector of multi-registration in DaQAPO (Martin et al., 2022) has the same measure and no default. Events of one
    instant alone are form-based event capture. Decided per case.
    """
    limit = f"interval '{known.burst_seconds} seconds'"
    return Check(
        "collateral_events",
        "warn",
        f"no {known.burst_activities} different activities of a case within {known.burst_seconds:g} s of each other",
        "keep one event of the burst in the model, or declare the group under patterns: collateral_events: accept",
        f"""
        with gaps as (
            select case_id, case_key, event_seq, activity, occurred_at,
                   occurred_at - lag(occurred_at) over steps <= {limit} as is_close,
                   lead(occurred_at) over steps - occurred_at <= {limit} as is_followed
            from candidate.{declared.name}__events
            window steps as (partition by case_key order by occurred_at, event_seq)),
        bursts as (
            select case_id, case_key, activity, occurred_at,
                   count(*) filter (where is_close is not true)
                       over (partition by case_key order by occurred_at, event_seq) as burst
            from gaps where is_close or is_followed)
        select case_id, count(*) || ' events within ' ||
            round(extract(epoch from max(occurred_at) - min(occurred_at))::numeric, 1) || ' s from ' ||
            {shown("min(occurred_at)")} || ': ' ||
            string_agg(distinct activity collate "C", ', ' order by activity collate "C") as reason
        from bursts group by case_id, case_key, burst
        having count(*) >= {known.burst_activities} and min(occurred_at) < max(occurred_at)
           and count(distinct activity) >= {known.burst_activities}{not_accepted(known.burst_accept)}""",
        is_per_case=True,
        checked=f"select count(*) from candidate.{declared.name}__events",
        dimension="precision",
        pattern="collateral events",
    )

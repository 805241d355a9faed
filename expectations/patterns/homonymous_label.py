"""Homonymous label: one activity's name stands for different things at its first and its later occurrences in a case.

Signature: an activity that is repeated within cases, with many incoming arcs (what is not declared is suggested).
"""

from expectations.checks import Check
from expectations.declaration import GateDeclaration
from expectations.patterns.groups import array
from expectations.patterns.knowledge import Knowledge


def homonymous_label(declared: GateDeclaration, known: Knowledge) -> Check:
    """Each case in which a declared homonym happens more than once; records of one table at one instant are one.

    (Two persons may record one step. A day without a time is no instant: its records are told apart.)

    Suriadi et al. (2017), pattern 11. Whether a repetition is rework or another meaning takes knowledge; candidates
    are ranked in quality.label_suggestions. Decided per case.
    """
    return Check(
        "homonymous_label",
        "warn",
        "no declared homonym more than once in a case",
        "give the later occurrences a name of their own in the model",
        f"""
        select case_id, activity || ' ' || count(*) || ' times, with more than one meaning' as reason
        from candidate.{declared.name}__events where activity = any({array(known.homonyms)})
        group by case_id, activity
        having count(distinct (
            occurred_at, source_table, case when occurred_at = date_trunc('day', occurred_at, 'UTC') then event_seq end
        )) > 1""",
        is_per_case=True,
        checked=f"select count(*) from candidate.{declared.name}__events",
        dimension="consistency",
        pattern="homonymous label",
    )

"""Elusive case: events are in the log without an explicit link to their case, or under an id that is none.

Signature: an id that says that there is none, under which the events of many cases meet.
"""

from expectations.checks import Check
from expectations.declaration import GateDeclaration
from expectations.patterns.groups import array
from expectations.patterns.knowledge import Knowledge

_PLACEHOLDER = (
    r"^\s*(unknown|undefined|unassigned|none|null|nil|nan|n/?a|no case|default|dummy|todo|tbd|test|"
    r"#n/?a|[-–?._*#]*|0+|9{4,})\s*$"
)


def elusive_case(declared: GateDeclaration, known: Knowledge) -> Check:
    """A declared placeholder as a case id; a declared `once` activity more than once in a case; or, undeclared, an id
    that reads like a placeholder under which the case's own first activity happens several times.

    Suriadi et al. (2017), pattern 5: which events belong together must be found from other attributes, which takes
    knowledge. An id that only looks like a placeholder (the public Sepsis log has a case called NA) is not enough.
    Decided per case.
    """
    p = f"candidate.{declared.name}__"
    return Check(
        "elusive_case",
        "warn",
        "events under the id of their own case",
        "give the events their case in the source or in the model",
        f"""
        select case_id, 'the case id is a placeholder' as reason
        from {p}cases where case_id = any({array(known.placeholders)})
        union all
        select case_id, activity || ' ' || count(*) || ' times, but it happens once in a case' as reason
        from {p}events where activity = any({array(known.once)}) group by case_id, activity having count(*) > 1
        union all
        select e.case_id, 'the case id reads like a placeholder, and ' || e.activity || ', with which the case begins, '
               || 'happens ' || count(*) || ' times' as reason
        from {p}events as e inner join {p}events as f
          on e.case_key = f.case_key and f.event_seq = 1 and e.activity_key = f.activity_key
        where e.case_id ~* '{_PLACEHOLDER}' and not e.case_id = any({array(known.placeholders)})
        group by e.case_id, e.activity having count(*) > 1""",
        is_per_case=True,
        checked=f"select count(*) from {p}cases",
        dimension="referential",
        pattern="elusive case",
    )

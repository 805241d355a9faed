"""Inadvertent time travel: an event with a wrong time that lies next to the right one: yesterday's date just after
midnight, last year's in January, a neighbouring key.

Signature: misplaced events. Of two activities with a strict order, the later one comes first.
"""

from expectations.checks import Check
from expectations.declaration import GateDeclaration
from expectations.patterns.repairs import TIME_TRAVEL


def inadvertent_time_travel(declared: GateDeclaration) -> Check:
    """Cases whose events contradict their order, and whose order is whole when one event's date is moved by a day, a
    month, a year, or the digits of its day are swapped.

    Suriadi et al. (2017), pattern 2. The order is `mandatory_order` and the positions within each source table. A
    contradiction that no such error explains is an impossible order, or work that deviates, and is not reported here.
    Decided per case (misplaced.py, repairs.py).
    """
    return Check(
        "inadvertent_time_travel",
        "warn",
        "no event whose date, next to the right one, puts it out of order",
        "repair the date in the source; the order is declared under patterns: mandatory_order",
        f"select case_id, reason from candidate.{declared.name}__misplaced where pattern = '{TIME_TRAVEL}'",
        is_per_case=True,
        checked=f"select count(*) from candidate.{declared.name}__cases",
        dimension="consistency",
        pattern="inadvertent time travel",
    )

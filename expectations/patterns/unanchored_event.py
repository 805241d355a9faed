"""Unanchored event: times of a source were read in another format than they were written in: day for month, AM for
PM, another zone.

Signature: values outside the expected range, and with them wrong orders and intervals.
"""

from expectations.checks import Check
from expectations.declaration import GateDeclaration
from expectations.patterns.repairs import UNANCHORED


def unanchored_event(declared: GateDeclaration) -> Check:
    """Cases whose events contradict their order, and whose order is whole when times of one source table (or one
    event) are read with day and month swapped, twelve hours later, or in a zone some whole hours away.

    Suriadi et al. (2017), pattern 3. The order is `mandatory_order` and the positions within each source table. Where
    a day's shift explains a case as well as a misread clock, both patterns are reported. Decided per case
    (misplaced.py, repairs.py).
    """
    return Check(
        "unanchored_event",
        "warn",
        "no times that are out of order as read, and in order in another format or zone",
        "declare the source's format and zone where its times are read",
        f"select case_id, reason from candidate.{declared.name}__misplaced where pattern = '{UNANCHORED}'",
        is_per_case=True,
        checked=f"select count(*) from candidate.{declared.name}__cases",
        dimension="consistency",
        pattern="unanchored event",
    )

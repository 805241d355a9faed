"""The eleven event-log imperfection patterns as expectations, one module each.

S. Suriadi, R. Andrews, A. H. M. ter Hofstede, M. T. Wynn: Event log imperfection patterns for process mining: Towards a
systematic approach to cleaning event logs. Information Systems 64 (2017), 132–150. docs/patterns.md has the figures.
"""

from collections.abc import Collection

import psycopg

from expectations.checks import Check
from expectations.declaration import GateDeclaration
from expectations.patterns.collateral_events import collateral_events
from expectations.patterns.elusive_case import elusive_case
from expectations.patterns.form_based_event_capture import form_based_event_capture
from expectations.patterns.homonymous_label import homonymous_label
from expectations.patterns.inadvertent_time_travel import inadvertent_time_travel
from expectations.patterns.knowledge import knowledge_of
from expectations.patterns.misplaced import has_order_of_time, keep_explanations
from expectations.patterns.scattered_case import scattered_case
from expectations.patterns.scattered_event import scattered_event
from expectations.patterns.unanchored_event import unanchored_event


def prepare_patterns(db: psycopg.Connection, declared: GateDeclaration) -> None:
    """Make what the checks of the candidate read beside the candidate; to be called before they are evaluated."""
    keep_explanations(db, declared, knowledge_of(declared))


def pattern_checks(declared: GateDeclaration, attributes: Collection[str]) -> list[Check]:
    """The patterns that are decided by the candidate's cases; those of labels are in label_checks.

    Where time is no part of a process's order, times out of order say nothing; and where that is a recording of a
    desktop (a declared process), its log is fine-grained by nature, so bursts are no defect either.
    """
    known = knowledge_of(declared)
    in_time = has_order_of_time(declared)
    of_steps = in_time or declared.is_imported
    checks = [
        form_based_event_capture(declared, known) if of_steps else None,
        inadvertent_time_travel(declared) if in_time else None,
        unanchored_event(declared) if in_time else None,
        scattered_event(declared, known, attributes) if of_steps else None,
        elusive_case(declared, known),
        scattered_case(declared, known),
        collateral_events(declared, known) if of_steps else None,
        homonymous_label(declared, known),
    ]
    return [check for check in checks if check is not None]

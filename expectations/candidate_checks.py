"""The checks of the candidate tables: one SQL statement each, which names the bad rows and says why.

They are declared by what they look at: structure.py, timestamps.py, completeness.py, references.py, history.py, patterns/;
here they come together.
"""

import dataclasses
from collections.abc import Collection
from datetime import datetime

from expectations.checks import Check
from expectations.completeness import completeness_checks
from expectations.declaration import GateDeclaration
from expectations.patterns import pattern_checks
from expectations.references import reference_checks
from expectations.structure import structure_checks
from expectations.timestamps import timestamp_checks


def checks_of(
    declared: GateDeclaration,
    as_of: datetime,
    *,
    attributes: Collection[str],
    has_seed: bool,
    has_untimed: bool = False,
) -> list[Check]:
    """The candidate checks of a process, with their default severities.

    attributes: the columns of the attributes. has_seed: the seed of declared activities exists; without it no activity
    can be undeclared. has_untimed: see structure_checks. An imported log is held to its
    structure; everything else only warns there.
    """
    checks = [
        *timestamp_checks(declared, as_of),
        *completeness_checks(declared),
        *reference_checks(declared, attributes=attributes, has_seed=has_seed),
        *pattern_checks(declared, attributes),
    ]
    if declared.is_imported:
        checks = [dataclasses.replace(check, severity="warn") for check in checks]
    return [*structure_checks(declared, has_untimed=has_untimed), *checks]

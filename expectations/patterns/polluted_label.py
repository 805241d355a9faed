"""Polluted label: labels that are structurally the same and differ in the data they hold: an id, a name, a date.

Signature: attribute values composed of immutable boilerplate and mutable text at predictable points.
"""

from expectations.checks import Check
from expectations.declaration import GateDeclaration


def polluted_label(declared: GateDeclaration, label_count: int) -> Check:
    """Labels that labels.find_polluted found in the list of the log's activities, label_count long.

    Suriadi et al. (2017), pattern 8.
    """
    return Check(
        "polluted_label",
        "warn",
        "no labels of the same form with different data in them",
        "take the data out of the label in the model, or declare the labels under patterns: polluted_label: ignore",
        f"""
        select label || ' (' || event_count || ' events) for ' || beside || ': ' || evidence as reason
        from candidate.{declared.name}__label_findings where pattern = 'polluted label'""",
        checked=f"select {label_count}",
        dimension="consistency",
        pattern="polluted label",
        scope="log",
    )

"""Distorted label: two or more labels that are meant to be one and are not written alike.

Signature: minor differences in the letters of labels, as a string similarity search finds them.
"""

from expectations.checks import Check
from expectations.declaration import GateDeclaration


def distorted_label(declared: GateDeclaration, label_count: int) -> Check:
    """Labels that labels.find_distorted found in the list of the log's activities, label_count long.

    Suriadi et al. (2017), pattern 9.
    """
    return Check(
        "distorted_label",
        "warn",
        "no label that is another one typed a little differently",
        "write the label in one way in the model, or declare the pair under patterns: distorted_label: accept",
        f"""
        select label || ' (' || event_count || ' events) for ' || beside || ': ' || evidence as reason
        from candidate.{declared.name}__label_findings where pattern = 'distorted label'""",
        checked=f"select {label_count}",
        dimension="consistency",
        pattern="distorted label",
        scope="log",
    )

"""Synonymous labels: labels that are written differently and mean the same.

Signature: several values that share a meaning; which ones do takes knowledge, what looks like it is suggested.
"""

from expectations.checks import Check
from expectations.declaration import GateDeclaration


def synonymous_labels(declared: GateDeclaration, label_count: int) -> Check:
    """Labels that labels.find_synonyms found in the list of the log's activities, label_count long.

    Suriadi et al. (2017), pattern 10.
    """
    return Check(
        "synonymous_labels",
        "warn",
        "one label of each declared group of synonyms",
        "map the labels onto the first of their group in the model",
        f"""
        select label || ' (' || event_count || ' events) for ' || beside || ': ' || evidence as reason
        from candidate.{declared.name}__label_findings where pattern = 'synonymous labels'""",
        checked=f"select {label_count}",
        dimension="consistency",
        pattern="synonymous labels",
        scope="log",
    )

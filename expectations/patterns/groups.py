"""SQL for groups of activities that are known and accepted."""

from expectations.sql_text import literal


def array(names: tuple[str, ...]) -> str:
    """The names as an SQL array of text."""
    return f"array[{', '.join(literal(name) for name in names)}]::text[]"


def not_accepted(groups: tuple[tuple[str, ...], ...]) -> str:
    """`and not …` for a having clause: not all activities of the group are in one accepted group."""
    return "".join(f"\n           and not array_agg(activity) <@ {array(group)}" for group in groups)

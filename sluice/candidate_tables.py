"""The contract of the candidate tables: the columns that whoever builds them gives, and the gate and publishing read."""

# table -> its columns; a process's attributes and further tables have columns of their own beside these
COLUMNS: dict[str, tuple[str, ...]] = {
    "touched_cases": ("case_id",),
    "events": (
        "event_id",
        "case_id",
        "case_key",
        "event_seq",
        "activity",
        "activity_key",
        "occurred_at",
        "started_at",
        "lifecycle",
        "resource",
        "source_system",
        "source_table",
        "source_key",
        "source_seq",
        "order_basis",
    ),
    "cases": ("case_id", "case_key", "started_at", "ended_at", "event_count", "variant_id", "is_open"),
    "attributes": ("case_id", "case_key"),
    "case_rows": ("source_table", "source_key", "case_id"),
    "activities": ("activity_key", "activity", "rank", "category", "is_automated"),
}
_MAY_BE_NULL = {
    "events": {"started_at", "lifecycle", "resource", "source_seq"},
    "activities": {"rank", "category"},
}


def never_null(table: str) -> tuple[str, ...]:
    """The columns of a candidate table that hold a value in every row."""
    return tuple(name for name in COLUMNS[table] if name not in _MAY_BE_NULL.get(table, ()))

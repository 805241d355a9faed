"""Small pieces of SQL text that the checks are made of."""

from psycopg import sql


def literal(value: object) -> str:
    """A value as an SQL literal."""
    return sql.Literal(value).as_string()


def shown(column: str) -> str:
    """SQL of a time as a reason shows it: to the minute, in UTC."""
    return f"to_char({column} at time zone 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC'"

"""Small pieces of SQL text that the checks are made of."""

from psycopg import sql


def literal(value: object) -> str:
    """A value as an SQL literal."""
    return sql.Literal(value).as_string()


def shown(column: str) -> str:
    """SQL of a time as a reason shows it: to the minute, in UTC."""
    return f"to_char({column} at time zone 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC'"


def log_cases(process: str, columns: str) -> str:
    """SQL of the cases as they will be published: those that no row touched, and the candidates out of quarantine."""
    p = f"candidate.{process}__"
    return f"""select {columns} from event_log.cases as c where process = {literal(process)}
                 and not exists (select from {p}touched_cases as t where t.case_id = c.case_id)
               union all
               select {columns} from {p}cases as c
               where not exists (select from {p}quarantined as q where q.case_id = c.case_id)"""

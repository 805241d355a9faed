"""What readers see of a warehouse, byte by byte: for comparing two of them."""

from collections.abc import Iterable

from psycopg import sql

from sluice.warehouse import connect

PUBLISHED_SCHEMAS = ("event_log", "mining", "quality")
# when a row was written or first seen, and by which run: the only columns that two builds may differ in
VOLATILE = {"loaded_at", "first_seen_at", "run_id", "published_at", "checked_at", "version"}
# what was found on the way, run by run: not the state that the runs led to
HISTORY = {"quality.check_results"}
# checks that compare with earlier runs or days name no case: they only warn, and what they say depends on the path
CONDITIONS = {"quality.findings": "case_id is not null", "quality.finding_effects": "case_count > 0"}


def published(
    url: str, schemas: Iterable[str] = PUBLISHED_SCHEMAS, further: Iterable[tuple[str, str, list[str]]] = ()
) -> dict[str, list[str]]:
    """Every published table's rows as text, sorted, without the columns that may differ.

    Read as the product reads: a database's own way of writing times and numbers is not what is compared.
    further: (schema, table, columns) of other tables.
    """
    with connect(url) as db:
        tables = db.execute(
            """select n.nspname, c.relname, array_agg(a.attname::text order by a.attname)
                   filter (where a.attname <> all (%s))
               from pg_class c join pg_namespace n on n.oid = c.relnamespace
               join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
               where n.nspname = any (%s) and c.relkind in ('r', 'p') and not c.relispartition
               group by 1, 2""",
            (list(VOLATILE), list(schemas)),
        ).fetchall()
        found = {}
        for schema, table, columns in [*tables, *further]:
            if f"{schema}.{table}" in HISTORY:
                continue
            listed = sql.SQL(", ").join(map(sql.Identifier, columns))
            rows = db.execute(
                sql.SQL("select row({})::text from {} where {}").format(
                    listed, sql.Identifier(schema, table), sql.SQL(CONDITIONS.get(f"{schema}.{table}", "true"))
                )
            ).fetchall()
            found[f"{schema}.{table}"] = sorted(row for (row,) in rows)
    return found


def differences(one: dict[str, list[str]], other: dict[str, list[str]], *, shown: int = 3) -> list[str]:
    """Lines that say in which tables two warehouses differ, with the first rows that only one of them has."""
    lines = []
    for table in sorted(one.keys() | other.keys()):
        left, right = one.get(table, []), other.get(table, [])
        if left != right:
            only_left, only_right = (sorted(set(a) - set(b))[:shown] for a, b in ((left, right), (right, left)))
            lines.append(
                f"{table}: {len(left)} and {len(right)} rows; first only: {only_left}; second only: {only_right}"
            )
    return lines

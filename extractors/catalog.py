"""Compare a source's catalog with the table specs, before anything is read.

A missing table or column, a type that the warehouse lacks, or a missing permission is Blocked with one line.
"""

import difflib

from psycopg import sql

from extractors.source import Source, SourceTable
from extractors.specs import TableSpec
from sluice.errors import Blocked

_CURSOR_TYPES = ("timestamp without time zone", "timestamp with time zone")
# types that come with extensions and whose binary form is plain text
_AS_TEXT = ("citext",)


def describe(source: Source) -> dict[str, SourceTable]:
    """Every table of the spec as the source has it now; Blocked naming the first thing that is not as declared."""
    spec = source.spec
    with source.errors("reading the catalog"):
        relations = dict(
            source.db.execute(
                """select c.relname, c.relpages from pg_class c join pg_namespace n on n.oid = c.relnamespace
               where n.nspname = %s and c.relkind in ('r', 'p', 'v', 'm', 'f')""",
                (spec.schema,),
            ).fetchall()
        )
        columns: dict[str, dict[str, str]] = {}
        for table, column, kind in source.db.execute(
            """select c.relname, a.attname, format_type(a.atttypid, null)
               from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
               where n.nspname = %s and c.relname = any(%s) and a.attnum > 0 and not a.attisdropped
               order by c.relname, a.attnum""",
            (spec.schema, list(spec.tables)),
        ):
            columns.setdefault(table, {})[column] = kind
    found = {}
    for table in spec.tables.values():
        place = f"{spec.system}: table {spec.schema}.{table.name}"
        if table.name not in relations:
            raise Blocked(
                f"{place} is missing in the source{_near(table.name, set(relations))}: restore it, or change "
                f"extractors/{spec.system}/tables.yml"
            )
        _require_columns(source, place, table, columns.get(table.name, {}))
        found[table.name] = SourceTable(
            table,
            _types(source, place, table),
            columns[table.name],
            _key_is_unique(source, table),
            relations[table.name],
        )
    return found


def _near(name: str, candidates: set[str]) -> str:
    near = difflib.get_close_matches(name, sorted(candidates), n=3, cutoff=0.6)
    return f" (renamed? nearest: {', '.join(near)})" if near else ""


def _require_columns(source: Source, place: str, table: TableSpec, catalog: dict[str, str]) -> None:
    spec = source.spec
    wanted = list(table.column_names)
    if spec.users and spec.users.table == table.name:
        wanted += [spec.users.key, spec.users.identity]
    if spec.partners and spec.partners.table == table.name:
        wanted.append(spec.partners.key)
    if spec.partners and spec.partners.user_table == table.name:
        wanted.append(spec.partners.user_partner)
    wanted = list(dict.fromkeys(wanted))
    expressed = {column.name for column in table.columns if column.expression}
    others = set(catalog) - set(wanted)
    for name in wanted:
        if name not in catalog and name not in expressed:
            raise Blocked(
                f"{place} has no column {name}{_near(name, others)}: restore it, or change "
                f"extractors/{spec.system}/tables.yml"
            )
    relation = sql.Identifier(spec.schema, table.name).as_string(source.db)
    present = [name for name in wanted if name in catalog]
    with source.errors(place):
        refused = [
            name
            for (name,) in source.db.execute(
                "select name from unnest(%s::text[]) as name where not has_column_privilege(%s, name, 'select')",
                (present, relation),
            )
        ]
    if refused:
        raise Blocked(
            f"{place}: the reading role may not select {', '.join(refused)}: grant it "
            f"(extractors/{spec.system}/README.md says how)"
        )


def _types(source: Source, place: str, table: TableSpec) -> dict[str, str]:
    """Declared column -> the warehouse's type name, taken from what the reading query itself would return."""
    with source.errors(place):
        description = source.db.execute(source.select(table, table.column_names) + sql.SQL(" limit 0")).description
        known = {
            oid: (name, builtin, kind)
            for oid, name, builtin, kind in source.db.execute(
                """select t.oid::bigint, format_type(t.oid, null), n.nspname = 'pg_catalog' and t.oid < 16384,
                      case when t.typtype = 'e' then 'enum' else t.typname::text end
               from pg_type t join pg_namespace n on n.oid = t.typnamespace where t.oid = any(%s)""",
                ([column.type_code for column in description],),
            )
        }
    types = {}
    for column in description:
        name, builtin, kind = known[column.type_code]
        if kind == "enum" or kind in _AS_TEXT:
            types[column.name] = "text"
        elif builtin:
            types[column.name] = _unbounded(name)
        else:
            raise Blocked(
                f"{place}: column {column.name} has the type {name}, which the warehouse lacks: read it with an "
                f"expression such as {column.name}::text in extractors/{source.spec.system}/tables.yml"
            )
    if table.cursor and types[table.cursor] not in _CURSOR_TYPES:
        raise Blocked(
            f"{place}: the cursor {table.cursor} has the type {types[table.cursor]}: expected a timestamp, or no "
            f"cursor in extractors/{source.spec.system}/tables.yml"
        )
    return types


def _unbounded(name: str) -> str:
    """The type without a length: `character` and `bit` alone would mean a length of one."""
    for short, long in (
        ("character varying", "character varying"),
        ("character", "bpchar"),
        ("bit varying", "bit varying"),
        ("bit", "bit varying"),
    ):
        if name == short or name == f"{short}[]":
            return long + name[len(short) :]
    return name


def _key_is_unique(source: Source, table: TableSpec) -> bool:
    """Whether a valid unique index on exactly the key's columns, all not null, guarantees the key."""
    if any(column.expression for column in table.columns if column.name in table.key):
        return False
    with source.errors(f"table {table.name}"):
        return source.db.execute(
            """select exists (
                 select 1 from pg_index i join pg_class c on c.oid = i.indrelid
                 join pg_namespace n on n.oid = c.relnamespace
                 where n.nspname = %s and c.relname = %s and c.relkind in ('r', 'p')
                   and i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null and i.indexprs is null
                   and (select array_agg(a.attname::text order by a.attname) from pg_attribute a
                        where a.attrelid = c.oid and a.attnum = any(i.indkey::int2[]) and a.attnotnull)
                       = %s::text[]
                   and i.indnkeyatts = i.indnatts and i.indnatts = %s)""",
            (source.spec.schema, table.name, sorted(table.key), len(table.key)),
        ).fetchone()[0]

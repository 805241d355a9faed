"""Putting another table in a table's place although views read it: they are taken down and made again in one
transaction.

Needed only when a table's columns change; the exclusive lock lasts from here to the end of the transaction.
"""

from dataclasses import dataclass

import psycopg
from psycopg import sql


@dataclass(frozen=True)
class _View:
    schema: str
    name: str
    definition: str
    comment: str | None
    readers: list[str]
    column_comments: list[list[str]]
    options: list[str]


def replace_table(db: psycopg.Connection, schema: str, fresh: str, published: str) -> list[str]:
    """Give the table `fresh` the name and the place of `published`; returns the views that could not be made again.

    A view that reads a column that is gone is left out: whoever made it makes it anew. Call it inside a transaction.
    """
    views = _dependents(db, schema, published)
    db.execute(sql.SQL("drop table {} cascade").format(sql.Identifier(schema, published)))
    db.execute(sql.SQL("alter table {} rename to {}").format(sql.Identifier(schema, fresh), sql.Identifier(published)))
    lost = []
    for view in views:
        try:
            with db.transaction():
                _make(db, view)
        except psycopg.errors.ProgrammingError:
            lost.append(f"{view.schema}.{view.name}")
    return lost


def _dependents(db: psycopg.Connection, schema: str, table: str) -> list[_View]:
    """The views that read a table, directly or through others, those nearest to it first."""
    rows = db.execute(
        """with recursive readers as (
               select format('%%I.%%I', %s::text, %s::text)::regclass::oid as relation, 0 as depth
               union
               select rewrites.ev_class, readers.depth + 1
               from readers
               inner join pg_depend as depends on depends.refobjid = readers.relation
                   and depends.refclassid = 'pg_class'::regclass and depends.classid = 'pg_rewrite'::regclass
               inner join pg_rewrite as rewrites on rewrites.oid = depends.objid and rewrites.ev_class <>
                   readers.relation)
           select n.nspname::text, c.relname::text, pg_get_viewdef(c.oid), obj_description(c.oid, 'pg_class'),
                  array(select distinct quote_ident(r.rolname) from aclexplode(c.relacl) as a inner join pg_roles as
                      r on r.oid = a.grantee
                        where a.privilege_type = 'SELECT' and a.grantee <> c.relowner),
                  array(select array[quote_ident(attname), d.description] from pg_attribute inner join
                      pg_description as d
                        on d.objoid = c.oid and d.objsubid = attnum and d.classoid = 'pg_class'::regclass
                        where attrelid = c.oid and attnum > 0), coalesce(c.reloptions, '{}')
           from (select relation, max(depth) as depth from readers group by relation) as r
           inner join pg_class as c on c.oid = r.relation
           inner join pg_namespace as n on n.oid = c.relnamespace
           where r.depth > 0 and c.relkind = 'v'
           order by r.depth, 1, 2""",
        (schema, table),
    ).fetchall()
    return [_View(*row) for row in rows]


def _make(db: psycopg.Connection, view: _View) -> None:
    name = sql.Identifier(view.schema, view.name)
    options = sql.SQL(f" with ({', '.join(view.options)})" if view.options else "")  # such as security_barrier=true
    db.execute(sql.SQL("create view {}{} as {}").format(name, options, sql.SQL(view.definition)))
    if view.comment is not None:
        db.execute(sql.SQL("comment on view {} is {}").format(name, sql.Literal(view.comment)))
    for column, comment in view.column_comments:
        db.execute(sql.SQL("comment on column {}.{} is {}").format(name, sql.SQL(column), sql.Literal(comment)))
    for reader in view.readers:
        db.execute(sql.SQL("grant select on {} to {}").format(name, sql.SQL(reader)))

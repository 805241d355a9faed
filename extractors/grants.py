"""The grants that a reading role needs at a Postgres source: the columns that its spec reads, and no others.

python -m extractors.grants odoo sluice_reader
"""

import argparse

from psycopg import sql

from extractors.specs import SystemSpec, load_spec


def grants(spec: SystemSpec, role: str) -> list[str]:
    """One `grant select (columns) on table` per table: the declared columns, and where logins are.

    A column that only an expression or a `where` names is not among them: declare it, or grant it by hand.

    >>> from extractors.specs import load_spec
    >>> [line for line in grants(load_spec("odoo"), "reader") if "crm_lost_reason" in line]
    ['grant select ("create_date", "id", "name", "write_date") on "public"."crm_lost_reason" to "reader";']
    """
    wanted = {name: set(table.column_names) for name, table in spec.tables.items()}
    if spec.users:
        wanted[spec.users.table] |= {spec.users.key, spec.users.identity}
    if spec.partners:
        wanted[spec.partners.table].add(spec.partners.key)
        wanted[spec.partners.user_table].add(spec.partners.user_partner)
    return [
        f"grant select ({', '.join(_quoted(name) for name in sorted(names))}) "
        f"on {_quoted(spec.schema)}.{_quoted(table)} to {_quoted(role)};"
        for table, names in sorted(wanted.items())
    ]


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string(None)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m extractors.grants", description=__doc__.splitlines()[0])
    parser.add_argument("system")
    parser.add_argument("role")
    arguments = parser.parse_args()
    print("\n".join(grants(load_spec(arguments.system), arguments.role)))


if __name__ == "__main__":
    main()

"""`sluice clean`: stop everything of this installation and remove its one folder of state, or a warehouse of your own."""

import shutil
import sys
from collections.abc import Iterator

import psycopg
from psycopg import sql

from sluice.errors import BadInput, SluiceError
from sluice.settings import Settings
from sluice.stack import down, running
from sluice.warehouse import connect, embedded
from sluice.warehouse.contents import sluice_roles, sluice_schemas


def clean(settings: Settings, *, dry_run: bool, yes: bool) -> int:
    """Remove SLUICE_HOME; asks first unless `yes`. A warehouse of your own is not touched."""
    home = settings.home
    if not home.exists():
        print(f"nothing to remove: {home} does not exist")
        return 0
    parts = ", ".join(sorted(path.name for path in home.iterdir())) or "empty"
    print(f"{'would remove' if dry_run else 'removing'} {home} ({parts})")
    if dry_run:
        return 0
    if not yes:
        if not sys.stdin.isatty():
            print("sluice: say --yes to remove it without being asked", file=sys.stderr)
            return 2
        if input("The embedded warehouse and the pseudonym key go with it. Remove? [y/N] ").strip().lower() != "y":
            return 1
    down(settings)
    embedded.stop(settings)
    shutil.rmtree(home)
    return 0


def clean_warehouse(settings: Settings, *, dry_run: bool, yes: bool) -> int:
    """Drop Sluice's schemas from your own Postgres, and its roles from the server; SLUICE_HOME stays.

    Says first what would go. Asks for the database's name unless `yes`. A role that another database still uses stays, and
    so do the logins that you gave a role to. All in one transaction, roles aside.
    """
    if settings.warehouse_url is None:
        raise BadInput("SLUICE_WAREHOUSE_URL is not set: the embedded warehouse goes with `sluice clean`")
    if running(settings) is not None:
        raise SluiceError("Airflow is running and writes into the warehouse: run `sluice down` first")
    with connect(settings.warehouse_url) as db:
        (name,) = db.execute("select current_database()").fetchone()
        schemas, roles = sluice_schemas(db), sluice_roles(db)
        for line in _inventory(db, schemas, roles):
            print(line)
        if not schemas and not roles:
            print(f"nothing of Sluice is in {name}")
            return 0
        if dry_run:
            return 0
        if not yes:
            if not sys.stdin.isatty():
                print("sluice: say --yes to drop it without being asked", file=sys.stderr)
                return 2
            if input(f"This cannot be undone. Type the name of the database ({name}) to drop it: ").strip() != name:
                print("not the name: nothing was dropped")
                return 1
        for schema in schemas:
            db.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(schema)))
    print(f"dropped {len(schemas)} schemas of {name}")
    with connect(settings.warehouse_url, autocommit=True) as db:
        for role in roles:
            print(_drop_role(db, role))
    return 0


def _inventory(db: psycopg.Connection, schemas: list[str], roles: list[str]) -> Iterator[str]:
    for schema in schemas:
        tables, size = db.execute(
            """select count(*) filter (where relkind in ('r', 'p')),
                      coalesce(sum(pg_total_relation_size(oid)) filter (where relkind = 'r'), 0)::bigint
               from pg_class where relnamespace = %s::regnamespace""",
            (sql.Identifier(schema).as_string(db),),
        ).fetchone()
        yield f"schema {schema}: {tables} tables, {size / 1024**2:.1f} MiB"
    for role in roles:
        members = [
            member
            for (member,) in db.execute(
                """select m.rolname::text from pg_auth_members as a inner join pg_roles as m on m.oid = a.member
                   where a.roleid = %s::regrole and m.rolname <> current_user order by 1""",
                (role,),
            )
        ]
        yield f"role {role}" + (f": given to {', '.join(members)}, who keep their logins" if members else "")


def _drop_role(db: psycopg.Connection, role: str) -> str:
    """Drop a role with its rights in this database; it stays where another database needs it."""
    try:
        with db.transaction():
            db.execute(sql.SQL("drop owned by {}").format(sql.Identifier(role)))
            db.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))
    except (psycopg.errors.DependentObjectsStillExist, psycopg.errors.InsufficientPrivilege) as error:
        return f"role {role} stays: {str(error).strip().splitlines()[0]}"
    return f"dropped role {role}"

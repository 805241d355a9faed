"""The two roles that do the work: `sluice_loader` brings sources in, `sluice_miner` builds, mines and publishes.

Each owns what it makes. Made and granted by every migration of the warehouse; docs/security.md has the table of who may do what.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import psycopg
from psycopg import sql

from extractors.specs import load_spec
from extractors.systems import has_tables, list_systems
from sluice.readers import SCHEMAS
from sluice.settings import PROJECT, Settings
from sluice.urls import with_database, with_login

LOADER = "sluice_loader"
MINER = "sluice_miner"
WORKERS = (LOADER, MINER)
SOURCE = "sluice_source"  # on the embedded server: who reads the demo company's database
AIRFLOW = "sluice_airflow"  # on the embedded server: the owner of Airflow's own database
# what only one of the two may write; of everything else in ops and quality both keep the record of their runs
_LOADERS_ALONE = ("watermarks", "alive_keys", "load_tables", "files")
_MINERS_ALONE = ("process_state", "case_rows", "quarantined_cases", "findings", "finding_effects", "daily_counts")
_NOBODYS = ("migrations",)
# functions that PostgreSQL gives to everybody: locks of the pipeline's kind, and large objects, which fill the disk
_FOR_WORKERS = (
    "^(pg_(try_)?advisory_(xact_)?lock(_shared)?|lowrite"
    "|lo_(creat|create|from_bytea|put|open|unlink|truncate|truncate64))$"
)


def worker_settings(settings: Settings, kind: str) -> Settings:
    """`settings` as a task sees them: the warehouse under the login of its work (`extract`: the loader's, `mine`: the
    miner's), and no other login; the one login where there are none."""
    url = settings.loader_url if kind == "extract" else settings.miner_url
    return replace(
        settings, warehouse_url=url or settings.warehouse_url, loader_url=None, miner_url=None, airflow_url=None
    )


def with_embedded_logins(settings: Settings) -> Settings:
    """`settings` of the running embedded server with the logins of the two roles and of Airflow's own database, their
    passwords in SLUICE_HOME/secrets."""
    urls = {
        role: with_login(settings.warehouse_url, role, settings.secret(f"{role}_password"))
        for role in (*WORKERS, AIRFLOW)
    }
    with psycopg.connect(settings.warehouse_url) as db:
        for role, url in urls.items():
            _let_in(db, settings, role, url)
    with psycopg.connect(with_database(settings.warehouse_url, "airflow")) as db:
        _own_database(db, AIRFLOW)
    return replace(settings, loader_url=urls[LOADER], miner_url=urls[MINER], airflow_url=urls[AIRFLOW])


def with_reading_login(settings: Settings, url: str) -> str:
    """`url`, a source database on the embedded server, under a login that may only read it."""
    reading = with_login(url, SOURCE, settings.secret(f"{SOURCE}_password"))
    with psycopg.connect(url) as db:
        _let_in(db, settings, SOURCE, reading)
        db.execute(
            sql.SQL(
                "grant usage on schema public to {0}; grant select on all tables in schema public to {0}; "
                "alter default privileges in schema public grant select on tables to {0}; "
                "grant pg_read_all_stats to {0}"  # to see the oldest transaction that still runs
            ).format(sql.Identifier(SOURCE))
        )
    return reading


def _let_in(db: psycopg.Connection, settings: Settings, role: str, url: str) -> None:
    """Make a role of the embedded server where it is missing, and its password the one in SLUICE_HOME/secrets."""
    if _is_accepted(with_database(url, "postgres")):
        return
    if not _exists(db, role):
        db.execute(sql.SQL("create role {}").format(sql.Identifier(role)))
    # the server is told a verifier: no log of statements can show the password
    verifier = db.pgconn.encrypt_password(
        settings.secret(f"{role}_password").encode(), role.encode(), b"scram-sha-256"
    ).decode()
    db.execute(sql.SQL("alter role {} login password {}").format(sql.Identifier(role), sql.Literal(verifier)))


def _own_database(db: psycopg.Connection, role: str) -> None:
    """Give a database, and all that an earlier release made in it under the superuser, to `role`."""
    owner = sql.Identifier(role)
    (name,) = db.execute(
        "select datname from pg_database where datname = current_database() and pg_get_userbyid(datdba) <> %s "
        "union all select null limit 1",
        (role,),
    ).fetchone()
    if name is None:
        return
    for kind, relation in db.execute(
        """select case relkind when 'S' then 'sequence' when 'v' then 'view' else 'table' end, relname::text
           from pg_class as c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'S')
             and not exists (select from pg_depend where objid = c.oid and deptype in ('a', 'i') and relkind = 'S')
           union all
           select 'type', typname::text from pg_type where typnamespace = 'public'::regnamespace and typtype in ('e', 'd')"""
    ).fetchall():
        db.execute(sql.SQL("alter {} public.{} owner to {}").format(sql.SQL(kind), sql.Identifier(relation), owner))
    db.execute(sql.SQL("alter schema public owner to {}").format(owner))
    db.execute(sql.SQL("revoke connect, temporary on database {} from public").format(sql.Identifier(name)))
    db.execute(sql.SQL("alter database {} owner to {}").format(sql.Identifier(name), owner))


def _is_accepted(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=10).close()
    except psycopg.OperationalError:
        return False
    return True


def grant_workers(db: psycopg.Connection) -> list[str]:
    """Make the two roles where they are missing, and give each what it owns and what it may do.

    Runs in the transaction of `db` and may be repeated. Where the login may not create roles, or may not act for them,
    nothing is changed and one clear line says what to do: the pipeline then goes on under the one login.
    """
    missing = [role for role in WORKERS if not _exists(db, role)]
    try:
        with db.transaction():
            for role in missing:
                db.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
    except psycopg.errors.InsufficientPrivilege:
        made = "; ".join(f"create role {role} nologin" for role in missing)
        (login,) = db.execute("select quote_ident(current_user)").fetchone()
        return [
            f"roles {', '.join(missing)} are missing and this login may not create roles: everything runs under the one "
            f"login; have an administrator run `{made}; grant {', '.join(WORKERS)} to {login}`, then run again"
        ]
    except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        pass  # made meanwhile for another database of the same server
    try:
        with db.transaction():
            _act_for_workers(db)
            _close_database(db)
            _hand_over(db)
            for statement in _grants(db):
                db.execute(statement)
            return _lacking(db)
    except psycopg.errors.InsufficientPrivilege as error:
        (login,) = db.execute("select quote_ident(current_user)").fetchone()
        return [
            f"{', '.join(WORKERS)} could not be given their rights ({error.diag.message_primary}): everything runs under "
            f"the one login; have an administrator run `grant {', '.join(WORKERS)} to {login}`, then run again"
        ]


def _lacking(db: psycopg.Connection) -> list[str]:
    """What only the database's owner can grant, and has not: PostgreSQL itself merely warns of a grant without effect."""
    for role, rights in ((LOADER, ("connect", "create", "temporary")), (MINER, ("connect", "temporary"))):
        wanted = [
            right
            for right in rights
            if not db.execute("select has_database_privilege(%s, current_database(), %s)", (role, right)).fetchone()[0]
        ]
        if wanted:
            (database,) = db.execute("select quote_ident(current_database())").fetchone()
            return [
                f"{role} cannot work yet: have the owner of the database run "
                f"`grant {', '.join(rights)} on database {database} to {role}`, then run again"
            ]
    return []


def _exists(db: psycopg.Connection, role: str) -> bool:
    return db.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone() is not None


def _act_for_workers(db: psycopg.Connection) -> None:
    """Whoever sets the warehouse up is a member of both, so that it may hand over what it made, and repair."""
    for role in WORKERS:
        row = db.execute(
            "select rolsuper or (pg_has_role(%s, 'usage') and pg_has_role(%s, 'set')) from pg_roles where rolname = current_user",
            (role, role),
        ).fetchone()
        if not row[0]:
            db.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(role)))


def _close_database(db: psycopg.Connection) -> None:
    """Take from everybody what PostgreSQL gives to everybody and a reader does not need: temporary tables (they fill the
    disk, and hold functions of one's own), the locks that the pipeline uses, large objects."""
    (name,) = db.execute("select current_database()").fetchone()
    database = sql.Identifier(name)
    workers = sql.SQL(", ").join(map(sql.Identifier, WORKERS))
    for text in (
        "revoke temporary on database {database} from public",
        "grant connect, temporary on database {database} to {workers}",
        "grant create on database {database} to {loader}",
    ):
        db.execute(sql.SQL(text).format(database=database, workers=workers, loader=sql.Identifier(LOADER)))
    (is_superuser,) = db.execute("select rolsuper from pg_roles where rolname = current_user").fetchone()
    if not is_superuser:
        return  # the server's own functions are an administrator's to close: docs/security.md
    for function, is_ours in db.execute(
        """select oid::regprocedure::text, proname ~ 'advisory' from pg_proc
           where pronamespace = 'pg_catalog'::regnamespace and proname ~ %s and has_function_privilege('public', oid, 'execute')
           order by 1""",
        (_FOR_WORKERS,),
    ).fetchall():
        name = sql.SQL(function)  # the catalog's own spelling
        db.execute(sql.SQL("revoke execute on function {} from public").format(name))
        if is_ours:
            db.execute(sql.SQL("grant execute on function {} to {}").format(name, workers))


def _owners() -> Mapping[str, str]:
    """Schema -> the role that makes and replaces what is in it."""
    own = {f"{layer}_{system}": LOADER for layer in ("raw", "landing") for system in list_systems()}
    own["staging"] = LOADER
    return own | dict.fromkeys(("intermediate", "candidate", "event_log", "bi"), MINER)


def _hand_over(db: psycopg.Connection) -> None:
    """Give every schema of `_owners` and what is in it to its role; nothing is touched that is right already."""
    owners = _owners()
    names = list(owners)
    for schema, is_owned in db.execute(
        """select n.nspname::text, pg_get_userbyid(n.nspowner) = (%s::text[])[array_position(%s::text[], n.nspname::text)]
           from pg_namespace as n where n.nspname = any(%s)""",
        ([owners[name] for name in names], names, names),
    ).fetchall():
        if not is_owned:
            db.execute(
                sql.SQL("alter schema {} owner to {}").format(sql.Identifier(schema), sql.Identifier(owners[schema]))
            )
    seeds = {path.stem for system in list_systems() for path in (PROJECT / "dbt_project/seeds").glob(f"{system}__*")}
    kinds = {"r": "table", "p": "table", "v": "view", "m": "materialized view"}
    for schema, relation, kind, owner in db.execute(
        """select n.nspname::text, c.relname::text, c.relkind::text, pg_get_userbyid(c.relowner)::text
           from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid
           where n.nspname = any(%s) and c.relkind = any(%s) order by c.relispartition, c.oid""",
        (names, list(kinds)),
    ).fetchall():
        wanted = LOADER if schema == "intermediate" and relation in seeds else owners[schema]
        if owner != wanted:
            db.execute(
                sql.SQL("alter {} {} owner to {}").format(
                    sql.SQL(kinds[kind]), sql.Identifier(schema, relation), sql.Identifier(wanted)
                )
            )


def _grants(db: psycopg.Connection) -> Iterator[sql.Composed]:
    """What each role may do with what it does not own."""
    from sluice.vacuum import SHARED  # which whoever reads the DAGs' files need not import

    loader, miner = sql.Identifier(LOADER), sql.Identifier(MINER)
    for schema in ("ops", "quality"):
        yield sql.SQL("grant usage on schema {} to {}, {}").format(sql.Identifier(schema), loader, miner)
        for (table,) in db.execute(
            """select relname::text from pg_class where relnamespace = %s::regnamespace and relkind in ('r', 'p', 'v')
               order by relname""",
            (schema,),
        ).fetchall():
            name = sql.Identifier(schema, table)
            yield sql.SQL("grant select on {} to {}, {}").format(name, loader, miner)
            for role, others in ((LOADER, _MINERS_ALONE), (MINER, _LOADERS_ALONE)):
                verb = "revoke {} on {} from {}" if table in (*others, *_NOBODYS) else "grant {} on {} to {}"
                yield sql.SQL(verb).format(sql.SQL("insert, update, delete"), name, sql.Identifier(role))
    for text in (
        # the loader makes the seeds of a source system beside the models that read them
        "grant usage, create on schema intermediate to {loader}",
        "alter default privileges for role {loader} in schema intermediate grant select on tables to {miner}",
        "alter default privileges for role {loader} in schema staging grant select on tables to {miner}",
        "grant usage on schema staging, mining, bi_audit to {miner}",
        "grant select on all tables in schema staging, intermediate to {miner}",
        "grant select, insert, update, delete on all tables in schema mining to {miner}",
        # views for readers are the miner's
        *(
            f"alter default privileges for role {{miner}} in schema {schema} grant select on tables to {reader}"
            for reader, schemas in SCHEMAS.items()
            for schema in schemas
            if _exists(db, reader)
        ),
    ):
        yield sql.SQL(text).format(loader=loader, miner=miner)
    if db.info.server_version >= 170_000:  # before it, only a table's owner may vacuum it
        for schema, table in SHARED:
            yield sql.SQL("grant maintain on {} to {}").format(sql.Identifier(schema, table), miner)
    for system in list_systems():
        yield from _raw_grants(db, system)


def grant_raw(db: psycopg.Connection, system: str) -> None:
    """Let the miner read the raw columns that lead from a changed row to its cases: none that hold ids of people.

    For whoever owns the raw tables, after each load: a new table or column has to be granted once. Nothing where the
    roles are not there.
    """
    if _exists(db, MINER):
        for statement in list(_raw_grants(db, system)):
            db.execute(statement)


def _raw_grants(db: psycopg.Connection, system: str) -> Iterator[sql.Composed]:
    schema, miner = f"raw_{system}", sql.Identifier(MINER)
    columns = db.execute(
        """select c.relname::text, a.attname::text
           from pg_class as c
           inner join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
           where c.relnamespace = to_regnamespace(%s) and c.relkind = 'r' and not starts_with(c.relname, '_alive_')
             and not has_column_privilege(%s, c.oid, a.attnum, 'select')
           order by c.relname, a.attnum""",
        (schema, MINER),
    ).fetchall()
    if not columns:
        return
    people = (
        {
            (table.name, column)
            for table in load_spec(system).tables.values()
            for column in (*table.users, *table.partners)
        }
        if has_tables(system)
        else set()
    )
    readable: dict[str, list[str]] = {}
    for table, column in columns:
        if (table, column) not in people:
            readable.setdefault(table, []).append(column)
    if readable:
        yield sql.SQL("grant usage on schema {} to {}").format(sql.Identifier(schema), miner)
    for table, names in readable.items():
        yield sql.SQL("grant select ({}) on {} to {}").format(
            sql.SQL(", ").join(map(sql.Identifier, names)), sql.Identifier(schema, table), miner
        )

"""Pseudonyms of the people of a source: logins are read in memory, hashed with the key, and dropped.

A user's pseudonym is that of the login (through the person map); a partner that belongs to a user has the user's, any
other partner a keyed hash of its id.
"""

from collections.abc import Iterable

import psycopg
from psycopg import sql

from extractors.landing import create_landing_table
from extractors.source import Source
from extractors.specs import SystemSpec
from sluice.pseudonyms import Pseudonymiser

USER, PARTNER = "user", "partner"


def land_pseudonyms(
    db: psycopg.Connection, source: Source, keyed: Pseudonymiser, partner_keys: sql.Composable | None
) -> None:
    """Write `landing_<system>._pseudonyms (entity, source_id, pseudonym)`: all users, and the partners that raw does
    not have, or has with another pseudonym. partner_keys: query of the keys of all partners."""
    spec = source.spec
    if spec.users is None:
        return
    target = create_landing_table(
        db, spec, "_pseudonyms", {"entity": "text", "source_id": "bigint", "pseudonym": "text"}
    )
    users = dict(_user_pseudonyms(source, keyed))
    partners = dict(_partner_pseudonyms(db, source, keyed, users, partner_keys)) if partner_keys else {}
    with db.cursor() as cursor, cursor.copy(sql.SQL("copy {} from stdin").format(target)) as copy:
        for entity, found in ((USER, users), (PARTNER, partners)):
            for source_id, pseudonym in found.items():
                copy.write_row((entity, source_id, pseudonym))


def _user_pseudonyms(source: Source, keyed: Pseudonymiser) -> Iterable[tuple[int, str]]:
    users = source.spec.users
    query = sql.SQL("select {}, {} from {}").format(
        sql.Identifier(users.key), sql.Identifier(users.identity), sql.Identifier(source.spec.schema, users.table)
    )
    with source.errors(f"table {users.table}"):
        rows = source.db.execute(query).fetchall()
    for user_id, login in rows:
        if user_id is not None:
            named = login is not None and login.strip()
            yield (
                user_id,
                keyed.person("erp_login", login) if named else keyed.opaque(f"{source.spec.system} user", str(user_id)),
            )


def _partner_pseudonyms(
    db: psycopg.Connection, source: Source, keyed: Pseudonymiser, users: dict[int, str], partner_keys: sql.Composable
) -> Iterable[tuple[int, str]]:
    spec, partners = source.spec, source.spec.partners
    query = sql.SQL("select {}, {} from {}").format(
        sql.Identifier(spec.users.key),
        sql.Identifier(partners.user_partner),
        sql.Identifier(spec.schema, partners.user_table),
    )
    with source.errors(f"table {partners.user_table}"):
        # of several users of one partner, the first
        by_partner: dict[int, int] = {}
        for user_id, partner_id in sorted(row for row in source.db.execute(query) if None not in row):
            by_partner.setdefault(partner_id, user_id)
    domain = f"{spec.system} partner"
    for partner_id in _partners_to_do(db, spec, keyed, domain, partner_keys):
        if partner_id not in by_partner:
            yield partner_id, keyed.opaque(domain, str(partner_id))
    for partner_id, user_id in by_partner.items():
        if user_id in users:
            yield partner_id, users[user_id]


def _partners_to_do(
    db: psycopg.Connection, spec: SystemSpec, keyed: Pseudonymiser, domain: str, keys: sql.Composable
) -> list[int]:
    """Partners without a pseudonym yet, and those that had a user's; all of them when the key has changed."""
    parts = {
        "id": sql.Identifier(spec.partners.key),
        "raw": sql.Identifier(spec.raw_schema, "_pseudonyms"),
        "keys": keys,
    }
    probe = db.execute(
        sql.SQL(
            "select source_id, pseudonym from {raw} where entity = 'partner' and pseudonym like 'k\\_%' limit 1"
        ).format(**parts)
    ).fetchone()
    if probe and keyed.opaque(domain, str(probe[0])) != probe[1]:
        query = "select {id} from ({keys}) as k where {id} is not null union select source_id from {raw} where entity = 'partner'"
    else:
        query = """select k.{id} from ({keys}) as k where k.{id} is not null and not exists
                   (select 1 from {raw} as p where p.entity = 'partner' and p.source_id = k.{id})
                   union select source_id from {raw} where entity = 'partner' and pseudonym like 'p\\_%'"""
    return [partner_id for (partner_id,) in db.execute(sql.SQL(query).format(**parts))]


def merge_pseudonyms(db: psycopg.Connection, spec: SystemSpec, version: int) -> int:
    """Bring the landed pseudonyms into `raw_<system>._pseudonyms`; returns how many are new or changed."""
    if spec.users is None:
        return 0
    return db.execute(
        sql.SQL(
            """insert into {raw} as p (entity, source_id, pseudonym, _version)
           select entity, source_id, pseudonym, {version} from {landing}
           on conflict (entity, source_id) do update set pseudonym = excluded.pseudonym, _version = excluded._version
           where p.pseudonym is distinct from excluded.pseudonym"""
        ).format(
            raw=sql.Identifier(spec.raw_schema, "_pseudonyms"),
            landing=sql.Identifier(spec.landing_schema, "_pseudonyms"),
            version=sql.Literal(version),
        )
    ).rowcount

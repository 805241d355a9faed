"""A night under the two working roles: nothing needs more than each has, and each owns what it made."""

from dataclasses import replace
from datetime import date

import psycopg
import pytest

from sluice import demo
from sluice.roles import LOADER, MINER, with_embedded_logins
from sluice.settings import Settings
from sluice.warehouse import migrate

PROCESSES = ("desktop_work", "lead_to_order", "order_to_cash", "purchase_to_pay")


@pytest.fixture(scope="module")
def company(server: Settings, make_database, module_warehouse_url: str, tmp_path_factory) -> Settings:
    """A demo company's sources and a warehouse, under the logins of the roles."""
    folder = tmp_path_factory.mktemp("company")
    url = make_database()
    state = demo.ensure(server, url=url, cases=20, seed=3, folder=folder)
    assert migrate(module_warehouse_url) == []
    roles = with_embedded_logins(replace(server, warehouse_url=module_warehouse_url))
    return replace(
        roles,
        home=tmp_path_factory.mktemp("home"),
        source_urls={"odoo": url},
        agent_drop=state.agent_drop,
        person_map=state.person_map,
    )


@pytest.mark.slow
def test_two_nights_need_no_more_than_the_roles_have(company: Settings, server: Settings, night):
    folder = company.agent_drop.parent
    for is_second in (False, True):
        state = (
            demo.advance(server, url=company.source_urls["odoo"], folder=folder) if is_second else demo.state(folder)
        )
        done = night(company, date.fromisoformat(str(state.day)), systems=("odoo", "agent"), processes=PROCESSES)
        assert done.errors == {}
    with psycopg.connect(company.warehouse_url) as db:
        owners = db.execute(
            """select n.nspname, array_agg(distinct pg_get_userbyid(c.relowner)::text)
               from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace
               where c.relkind in ('r', 'p', 'v') and n.nspname ~ '^(raw_|landing_|staging|candidate|event_log|bi$)'
               group by 1"""
        ).fetchall()
        published = db.execute("select count(distinct process) from event_log.events").fetchone()[0]
    assert published == len(PROCESSES)
    loaders = ("raw_odoo", "raw_agent", "landing_odoo", "landing_agent", "staging")
    assert {schema: set(names) for schema, names in owners} == {
        **{schema: {LOADER} for schema in loaders},
        **{schema: {MINER} for schema in ("candidate", "event_log", "bi")},
    }

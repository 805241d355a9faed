"""Statements of dbt that are kept: sent again they make what dbt would make, and where they cannot, dbt is asked."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from dbt.adapters.postgres.connections import PostgresConnectionManager as Manager
from dbt_common.events.contextvars import log_contextvars

from sluice import dbt_runner, dbt_server, transform
from sluice.dbt_statements import KeptStatements, Node, Recorder, is_plain, placeholders, with_values
from sluice.errors import SluiceError
from sluice.settings import PROJECT
from tests.dbt_project.conftest import RawOdoo
from tests.sluice.leads import P, change_leads, one, publish, run

TABLES = ("touched_cases", "events", "cases", "attributes", "case_rows", "activities", "untimed")
VALUES = {"run_id": "mine__p/1", "as_of": "2025-03-04T00:00:00+00:00", "gated_version": 12, "upto_version": 13}


def candidate(url: str) -> dict[str, list]:
    return {table: sorted(one(url, f"select * from candidate.{P}__{table}")) for table in TABLES}


def kept(home: Path) -> list[Path]:
    return sorted((home / "dbt" / f"build-{P}").glob("statements-*"))


@pytest.fixture
def asked(monkeypatch):
    """The subjects that dbt was asked about."""
    found = []
    for module, name in ((dbt_runner, "fork"), (dbt_server, "ask")):
        original = getattr(module, name)

        def hear(request, *others, original=original):
            found.append(Path(request["target"]).name)
            return original(request, *others)

        monkeypatch.setattr(module, name, hear)
    return found


@pytest.fixture
def second_night(ready):
    """A warehouse two nights old: the first made everything, the second changed a few cases."""
    for path in kept(ready.home):
        path.unlink()
    transform.stage(ready, "odoo")
    publish(ready.warehouse_url, transform.build(ready, P, run(1)))
    assert len(kept(ready.home)) == 1, "a full rebuild rehearses the nights to come"
    change_leads(ready.warehouse_url)
    publish(ready.warehouse_url, transform.build(ready, P, run(2)))
    with psycopg.connect(ready.warehouse_url, autocommit=True) as db:
        odoo = RawOdoo.__new__(RawOdoo)
        odoo.db, odoo.version, odoo.tables = db, 2, transform.load_spec("odoo").tables
        odoo.load()
        odoo.put("crm_lead", id=4, type="opportunity", stage_id=2, active=True, create_uid=1, create_date="2025-03-03")
        odoo.put("sale_order", id=9, state="sale", date_order="2025-03-03")
    return ready


def test_a_later_night_makes_without_dbt_what_dbt_makes(second_night, asked):
    url = second_night.warehouse_url
    (path,) = kept(second_night.home)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    made = transform.build(second_night, P, run(3))
    without_dbt = candidate(url)
    assert (asked, made.touched_case_count, made.gated_version) == ([], 2, 2)
    assert {case for case, *_ in without_dbt["touched_cases"]} == {"LEAD/2", "LEAD/4"}
    assert one(url, "select relname from pg_class where relname like '%\\_\\_dbt\\_%'") == []
    path.unlink()
    assert transform.build(second_night, P, run(4)).event_count == made.event_count
    assert (asked, candidate(url)) == ([f"build-{P}"], without_dbt)
    assert transform.build(second_night, P, run(5, mode="full")).is_full_rebuild
    assert asked == [f"build-{P}"] * 2, "a full rebuild sends other statements, and what nights send is known already"


def test_the_first_night_after_a_full_rebuild_needs_no_dbt(ready, asked):
    for path in kept(ready.home):
        path.unlink()
    transform.stage(ready, "odoo")
    first = transform.build(ready, P, run(1))
    built = candidate(ready.warehouse_url)
    assert (first.event_count, len(built["events"])) == (3, 3), "what is rehearsed is not sent"
    publish(ready.warehouse_url, first)
    change_leads(ready.warehouse_url)
    asked.clear()
    transform.build(ready, P, run(2))
    (path,) = kept(ready.home)
    as_rehearsed, without_dbt = path.read_text(), candidate(ready.warehouse_url)
    path.unlink()
    transform.build(ready, P, run(3))
    assert (asked, candidate(ready.warehouse_url)) == ([f"build-{P}"], without_dbt)
    assert path.read_text() == as_rehearsed


TOLD = """
import sys
from pathlib import Path
from sluice import transform
from sluice.processes import load_process
from sluice.settings import PROJECT, Settings
from sluice.warehouse import connect

settings = Settings(home=Path(sys.argv[1]), warehouse_url=sys.argv[2])
transform.run_dbt = lambda *told, **more: print(told[4], sorted(more["needed"]))
transform._is_current = lambda *_: True
variables = dict.fromkeys(("run_id", "as_of", "gated_version", "upto_version", "full_rebuild"), 0)
with connect(settings.warehouse_url) as db:
    transform._build_models(settings, db, load_process("purchase_to_pay", PROJECT), variables)
"""


def test_dbt_is_told_the_same_in_every_process(settings):
    """What is told is what the statements are kept by; sets of files are in another order in another process."""
    told = {
        subprocess.run(
            [sys.executable, "-c", TOLD, settings.home, settings.warehouse_url],
            env={**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in range(1, 4)
    }
    assert len(told) == 1 and "--exclude" in told.pop()


@pytest.mark.parametrize(
    "state",
    [
        "drop table candidate.lead_to_order__cases",
        "create table candidate.lead_to_order__cases__dbt_backup (left_by text)",
        "create table intermediate.int_lead_to_order__rows_1__dbt_tmp (left_by text)",
        "drop table candidate.lead_to_order__cases; create view candidate.lead_to_order__cases as select 1 as one",
    ],
)
def test_in_another_state_of_the_tables_dbt_is_asked(second_night, asked, state):
    url = second_night.warehouse_url
    transform.build(second_night, P, run(3))
    as_it_should_be = candidate(url)
    with psycopg.connect(url) as db:
        db.execute(state)
    transform.build(second_night, P, run(4))
    assert (asked, candidate(url)) == ([f"build-{P}"], as_it_should_be)
    transform.build(second_night, P, run(5))
    transform.build(second_night, P, run(6))
    assert len(asked) <= 2, "what dbt sends from the usual state is kept again"
    assert candidate(url) == as_it_should_be


def test_what_fails_is_told_as_dbt_tells_it(second_night):
    with psycopg.connect(second_night.warehouse_url) as db:
        db.execute("drop view staging.stg_odoo__leads cascade")
    with pytest.raises(SluiceError, match=r"dbt \(build-lead_to_order\).*stg_odoo__leads.*dbt\.log"):
        transform.build(second_night, P, run(3))


def test_statements_of_something_else_are_not_sent(tmp_path):
    told, other = KeptStatements(tmp_path, "one"), KeptStatements(tmp_path, "other")
    told.keep({"node": Node((), ("select 1",))})
    assert told.read() == {"node": Node((), ("select 1",))}
    assert other.read() is None
    other.keep({})
    assert (told.read(), other.read()) == (None, {}), "one kind is kept at a time"
    for broken in ("[1", "[1]", '[["node", ["gone"], []]]', '[["node", []]]', '[["node", ["node"], []]]'):
        other.path.write_text(broken)
        assert other.read() is None


@pytest.mark.parametrize("connections", [1, 2, 5])
def test_a_node_waits_for_those_that_it_reads(warehouse_url, tmp_path, connections):
    told = KeptStatements(tmp_path, "one")
    first = Node(
        (), ("create table public.a as select 1 as n", "select pg_sleep(.3)", "commit", "drop table if exists x")
    )
    told.keep(
        {
            "sum": Node(("a", "b"), ("create table public.c as select a.n + b.n as n from public.a, public.b",)),
            "a": first,
            "b": Node(("a",), (f"create table public.b as select n + {stand_in('as_of')} as n from public.a",)),
            "of none": Node((), ("select 1",)),
        }
    )
    assert told.send(warehouse_url, {"as_of": "40"}, connections=connections) == ["sum", "a", "b", "of none"]
    assert one(warehouse_url, "select n from public.c") == [(42,)]


def stand_in(name: str) -> str | int:
    return placeholders({name: ""})[name]


def test_a_connection_that_is_lost_forgets_nothing(warehouse_url, tmp_path):
    told = KeptStatements(tmp_path, "one")
    told.keep({"node": Node((), ("select pg_terminate_backend(pg_backend_pid())",))})
    assert told.send(warehouse_url, VALUES, connections=2) is None
    assert told.path.exists()
    told.keep({"node": Node((), ("select 1/0",)), "other": Node((), ("select pg_sleep(.2)",))})
    assert told.send(warehouse_url, VALUES, connections=2) is None
    assert not told.path.exists()


def test_placeholders_become_the_values_and_nothing_else():
    stand_in = placeholders(VALUES)
    assert len(set(map(str, stand_in.values()))) == len(VALUES)
    assert all(type(stand_in[name]) is type(value) for name, value in VALUES.items())
    assert all(value < 2**63 for value in stand_in.values() if isinstance(value, int))
    text = "'{run_id}' {gated_version} '{as_of}' {upto_version} 7318264950 100 %s {{x}}"
    assert with_values(text.format(**stand_in), VALUES) == text.format(**VALUES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("where v > {{ var('gated_version') | int }}", True),
        ('where v > {{var("gated_version")}} or v < {{- var("gated_version") -}}', True),
        ("select 1", True),
        ("{% if var('gated_version') > 0 %}where true{% endif %}", False),
        ("where v > {{ var('gated_version') | int - 1 }}", False),
        ("where v > {{ var('gated_version', 0) | int }}", False),
        ("{{ touched(var('gated_version')) }}", False),
        ("{% set version = var('gated_version') %}{{ version }}", False),
    ],
)
def test_only_what_is_put_into_statements_as_it_is_may_change(tmp_path, text, expected):
    model, data = tmp_path / "model.sql", tmp_path / "seed.csv"
    model.write_text(text)
    data.write_text("{{ var('gated_version') + 1 }}")
    assert is_plain("gated_version", [model, data]) is expected
    assert is_plain("upto_version", [model])


@pytest.fixture
def manager(monkeypatch):
    """dbt's connections, of which only what would be sent is seen."""
    sent = []
    monkeypatch.setattr(Manager, "add_query", lambda self, sql, *a, **k: sent.append(sql))
    monkeypatch.setattr(Manager, "execute", lambda self, sql, *a, **k: self.add_query(sql))
    monkeypatch.setattr(Manager, "add_commit_query", lambda self: self.add_query("COMMIT"))
    made = object.__new__(Manager)
    made.sent = sent
    return made


def test_what_dbt_sends_for_a_node_is_heard(manager):
    stand_in, recorder = placeholders(VALUES), Recorder(VALUES)
    recorder.listen()
    manager.execute(f"create schema if not exists {stand_in['run_id']}")  # of no node
    with log_contextvars(node_info={"unique_id": "model.b"}):
        manager.execute(f"create table b as select {stand_in['gated_version']}")
        manager.add_commit_query()
    assert manager.sent == [f"create schema if not exists {VALUES['run_id']}", "create table b as select 12", "COMMIT"]
    assert recorder.nodes({"model.a": [], "model.b": ["model.a"]}) == {
        "model.a": Node((), ()),
        "model.b": Node(("model.a",), (f"create table b as select {stand_in['gated_version']}", "commit")),
    }


def test_of_a_rehearsal_nothing_is_sent_but_questions(manager):
    recorder = Recorder(VALUES, is_rehearsal=True)
    recorder.listen()
    manager.execute("select 'of no node'")
    with log_contextvars(node_info={"unique_id": "model.a"}):
        manager.execute("create table a as select 1")
        manager.add_commit_query()
        manager.execute("select max(version) from ops.loads", fetch=True)
    assert manager.sent == ["select 'of no node'", "select max(version) from ops.loads"]
    assert recorder.nodes({"model.b": []}) is not None and recorder.nodes({"model.a": []}) is None


def test_a_node_that_asks_the_database_first_is_not_kept(manager):
    recorder = Recorder(VALUES)
    recorder.listen()
    with log_contextvars(node_info={"unique_id": "model.a"}):
        manager.execute("select max(version) from ops.loads", fetch=True)
        manager.execute("create table a as select 1")
    assert recorder.nodes({"model.a": []}) is None
    assert recorder.nodes({"model.b": []}) is not None

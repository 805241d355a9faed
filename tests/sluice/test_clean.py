"""Clean removal of a warehouse of your own: what is Sluice's goes, after it was said; nothing else does."""

from dataclasses import replace

import psycopg
import pytest

from sluice.clean import clean_warehouse
from sluice.errors import BadInput
from sluice.warehouse import connect
from sluice.warehouse.contents import sluice_schemas


def test_sluices_schemas_go_and_other_peoples_stay(settings, capsys):
    with connect(settings.warehouse_url) as db:
        db.execute("create table public.mine (a int)")
        db.execute("create schema raw_material")  # by its name it could be ours
        db.execute("create table raw_material.steel (a int)")
        db.execute("create schema raw_gone")
        db.execute("create table raw_gone._pseudonyms (a int)")
    assert clean_warehouse(settings, dry_run=True, yes=False) == 0
    said = capsys.readouterr().out
    assert "schema ops:" in said and "schema raw_gone: 1 tables" in said and "role sluice_reader" in said
    assert "raw_material" not in said
    with connect(settings.warehouse_url) as db:
        assert "ops" in sluice_schemas(db)
    assert clean_warehouse(settings, dry_run=False, yes=False) == 2, "nobody there to be asked"
    assert clean_warehouse(settings, dry_run=False, yes=True) == 0
    with psycopg.connect(settings.warehouse_url) as db:
        assert sluice_schemas(db) == []
        assert db.execute("select to_regclass('public.mine'), to_regclass('raw_material.steel')").fetchone() == (
            "mine",
            "raw_material.steel",
        )
        # the template of the tests is another database that uses the roles: they stay, and it is said
        assert db.execute("select count(*) from pg_roles where rolname like 'sluice\\_%'").fetchone()[0] >= 2
    assert "role sluice_reader stays" in capsys.readouterr().out


def test_the_embedded_warehouse_is_not_meant(settings):
    with pytest.raises(BadInput, match="sluice clean"):
        clean_warehouse(replace(settings, warehouse_url=None), dry_run=True, yes=False)

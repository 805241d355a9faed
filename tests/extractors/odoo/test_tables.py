"""A real Odoo: everything declared lands, by a second route, and nothing personal does."""

import gzip
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest

from extractors import pipeline
from extractors.specs import load_spec
from sluice.pseudonyms import Pseudonymiser
from sluice.runs import RunContext
from sluice.settings import Settings
from sluice.warehouse import embedded

DAY = date(2026, 11, 21)
SPEC = load_spec("odoo")


@pytest.fixture(scope="module")
def odoo_url(make_database: Callable[..., str], real_data: Callable[[str], Path], tmp_path_factory) -> str:
    """The real dump, restored. Its 29 errors about an extension that the server lacks are expected."""
    dump = real_data("odoo/odoo.sql.gz")
    url = make_database()
    done = subprocess.run(
        [embedded.binary("psql"), "-q", "-o", "/dev/null", url],
        input=gzip.decompress(dump.read_bytes()),
        capture_output=True,
        check=True,
    )
    assert done.stderr.count(b"ERROR:") <= 29
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("analyze")
    return url


@pytest.fixture(scope="module")
def landed(odoo_url: str, module_warehouse_url: str, tmp_path_factory) -> Settings:
    settings = Settings(
        home=tmp_path_factory.mktemp("home"), warehouse_url=module_warehouse_url, source_urls={"odoo": odoo_url}
    )
    began = time.monotonic()
    night(settings)
    assert time.monotonic() - began < 30
    return settings


def night(settings: Settings) -> int:
    ctx = RunContext(f"extract__odoo/{DAY}/test", "odoo", DAY, datetime(2026, 11, 22, tzinfo=UTC))
    version = pipeline.copy(settings, "odoo", ctx)
    pipeline.land(settings, "odoo", version, ctx)
    return version


def rows(url: str, query: str, *values: object) -> list[tuple]:
    with psycopg.connect(url) as db:
        return db.execute(query, values or None).fetchall()


@pytest.mark.parametrize("table", sorted(SPEC.tables))
def test_every_row_and_every_plain_column_is_there(landed, table):
    spec = SPEC.tables[table]
    plain = ", ".join(f"{column.name}::text" for column in spec.columns if not column.expression)
    key = ", ".join(f"{name}" for name in spec.key)
    source = rows(
        landed.source_urls["odoo"], f"select {plain} from {table} where {spec.where or 'true'} order by {key}"
    )
    assert (
        rows(landed.warehouse_url, f"select {plain} from raw_odoo.{table} where not _is_deleted order by {key}")
        == source
    )
    assert source


def test_the_columns_called_personal_exist_and_do_not_land(landed):
    for table in SPEC.tables.values():
        source = {
            name
            for (name,) in rows(
                landed.source_urls["odoo"],
                "select column_name from information_schema.columns where table_schema = 'public' and table_name = %s",
                table.name,
            )
        }
        landing = {
            name
            for (name,) in rows(
                landed.warehouse_url,
                "select column_name from information_schema.columns "
                "where table_schema = 'raw_odoo' and table_name = %s",
                table.name,
            )
        }
        assert set(table.personal) <= source, table.name
        assert landing == {*table.column_names, "_version", "_is_deleted", "_loaded_at"}


def test_no_name_login_address_or_phone_of_anybody_is_in_any_value(landed):
    words = {
        word
        for row in rows(
            landed.source_urls["odoo"],
            "select p.name, p.complete_name, p.email, p.phone, p.street, p.city, p.vat, p.website, u.login "
            "from res_partner as p left join res_users as u on u.partner_id = p.id",
        )
        for word in row
        if word and len(word) >= 5
    }
    texts = set()
    for (table,) in rows(landed.warehouse_url, "select tablename from pg_tables where schemaname = 'raw_odoo'"):
        for (row,) in rows(landed.warehouse_url, f'select t::text from raw_odoo."{table}" as t'):
            texts.add(row)
    everything = "\n".join(texts)
    # words that are no person's alone: 'public' and the like are labels and column names too
    found = {word for word in words if word in everything}
    assert found <= {"public", "portal"}, found


def test_labels_of_the_change_log_are_read_and_its_names_and_addresses_are_not(landed):
    labels = {
        label
        for (label,) in rows(
            landed.warehouse_url,
            "select distinct new_value_char from raw_odoo.mail_tracking_value where new_value_char is not null",
        )
    }
    assert {"Purchase Order", "Won", "Paid"} <= labels
    assert rows(
        landed.warehouse_url,
        """
        select count(*) from raw_odoo.mail_tracking_value as t join raw_odoo.ir_model_fields as f on f.id = t.field_id
        where f.ttype = 'char' and (t.old_value_char is not null or t.new_value_char is not null)""",
    ) == [(0,)]


def test_the_change_log_holds_no_id_of_a_person(landed):
    held = {
        relation
        for (relation,) in rows(
            landed.warehouse_url,
            """
        select distinct f.relation from raw_odoo.mail_tracking_value as t
        join raw_odoo.ir_model_fields as f on f.id = t.field_id
        where f.relation is not null and coalesce(t.old_value_integer, t.new_value_integer) is not null""",
        )
    }
    assert held <= {"crm.stage", "crm.lost.reason", "crm.team"} and "crm.stage" in held


def test_free_text_origins_are_read_only_where_they_are_document_numbers(landed):
    origins = rows(
        landed.warehouse_url, "select distinct origin from raw_odoo.stock_picking where origin !~ '^[PS][0-9]+$'"
    )
    assert origins == []
    source = "select count(*) from {} where {} ~ '^[PS][0-9]+$'"
    for table, column in (("stock_picking", "origin"), ("account_move", "invoice_origin")):
        assert rows(landed.warehouse_url, f"select count({column}) from raw_odoo.{table}") == rows(
            landed.source_urls["odoo"], source.format(table, column)
        )


def test_every_user_and_partner_has_a_pseudonym(landed):
    keyed = Pseudonymiser(landed.pseudonym_key)
    found = {
        (entity, one): name
        for entity, one, name in rows(
            landed.warehouse_url, "select entity, source_id, pseudonym from raw_odoo._pseudonyms"
        )
    }
    users = rows(landed.source_urls["odoo"], "select id, login, partner_id from res_users")
    for user, login, partner in users:
        assert found["user", user] == found["partner", partner] == keyed.person("erp_login", login)
    partners = {one for (one,) in rows(landed.source_urls["odoo"], "select id from res_partner")}
    assert {one for entity, one in found if entity == "partner"} == partners
    assert len(set(found.values())) == len(partners)


def test_a_second_night_changes_nothing(landed):
    version = night(landed)
    assert rows(
        landed.warehouse_url,
        "select inserted_count, updated_count, deleted_count from ops.loads where version = %s",
        version,
    ) == [(0, 0, 0)]


def test_a_partner_map_joins_two_logins(landed, tmp_path):
    people = tmp_path / "people.csv"
    people.write_text("person,kind,value\none,erp_login,buyer1\none,erp_login,buyer2\n")
    night(replace(landed, person_map=people))
    found = rows(
        landed.warehouse_url, "select count(distinct pseudonym) from raw_odoo._pseudonyms where entity = 'user'"
    )
    assert found == [(23,)]

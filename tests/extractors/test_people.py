"""Who becomes which pseudonym, and that nothing personal reaches the database."""

from dataclasses import replace

import psycopg
import pytest

from sluice.errors import BadInput
from sluice.pseudonyms import Pseudonymiser


def pseudonyms(shop) -> dict[tuple[str, int], str]:
    return {
        (entity, source_id): pseudonym
        for entity, source_id, pseudonym in shop.query("select entity, source_id, pseudonym from raw_shop._pseudonyms")
    }


def test_users_partners_of_users_and_other_partners(shop):
    shop.run()
    keyed = Pseudonymiser(shop.settings.pseudonym_key)
    ada, bob = keyed.person("erp_login", "ada.canary"), keyed.person("desktop_login", "BOB.canary")
    found = pseudonyms(shop)
    assert found == {
        ("user", 7): ada,
        ("user", 8): bob,
        ("partner", 1): ada,
        ("partner", 3): bob,
        ("partner", 2): found["partner", 2],
    }
    assert found["partner", 2].startswith("k_") and found["partner", 2] != "k_2"


def test_the_person_map_comes_first(shop, tmp_path):
    shop.run()
    before = pseudonyms(shop)
    people = tmp_path / "people.csv"
    people.write_text("person,kind,value\nada,erp_login,Ada.Canary\nada,desktop_login,ADAPC\n")
    shop.settings = replace(shop.settings, person_map=people)
    version = shop.run()
    after = pseudonyms(shop)
    keyed = Pseudonymiser(shop.settings.pseudonym_key, {("desktop_login", "adapc"): "ada"})
    assert after["user", 7] == after["partner", 1] == keyed.person("desktop_login", "adapc") != before["user", 7]
    assert {key for key in after if after[key] != before[key]} == {("user", 7), ("partner", 1)}
    changed = shop.query("select entity, source_id from raw_shop._pseudonyms where _version = %s order by 1", version)
    assert changed == [("partner", 1), ("user", 7)]


def test_a_bad_line_of_the_person_map_is_named(shop, tmp_path):
    people = tmp_path / "people.csv"
    people.write_text("person,kind,value\nada,phone,1\n")
    shop.settings = replace(shop.settings, person_map=people)
    with pytest.raises(BadInput, match=r"people\.csv: row 2: column kind"):
        shop.copy()


def test_a_partner_follows_its_user(shop):
    shop.run()
    shop.source("update res_users set partner_id = 2 where id = 7")
    shop.run()
    found = pseudonyms(shop)
    assert found["partner", 2] == found["user", 7]
    assert found["partner", 1].startswith("k_")


def test_nights_give_the_same_pseudonyms_as_one_full_load(shop):
    shop.run()
    shop.source(
        "insert into res_partner values (4, 'New', null, true, '2025-02-01'), (5, 'Late', null, true, '2020-01-01')"
    )
    shop.source("insert into res_users values (9, 'eve', 4, '2025-02-01')")
    shop.run()
    nightly = pseudonyms(shop)
    with psycopg.connect(shop.settings.warehouse_url) as db:
        db.execute("drop schema raw_shop cascade")
    shop.run()
    assert pseudonyms(shop) == nightly
    assert set(nightly) == {("user", 7), ("user", 8), ("user", 9), *(("partner", n) for n in range(1, 6))}


def test_another_key_gives_other_pseudonyms_to_all(shop):
    shop.run()
    before = pseudonyms(shop)
    shop.settings = replace(shop.settings, pseudonym_key_hex="ab" * 32)
    shop.run()
    after = pseudonyms(shop)
    assert set(after) == set(before) and not set(after.values()) & set(before.values())


def test_nothing_personal_is_in_any_table_of_the_warehouse(shop):
    shop.run()
    shop.source("update orders set note = 'canary again', amount = 3, write_date = '2025-03-01'")
    shop.run()
    with psycopg.connect(shop.settings.warehouse_url) as db:
        tables = db.execute(
            "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname not in "
            "('pg_catalog', 'information_schema')"
        ).fetchall()
        assert ("landing_shop.orders",) in tables and ("raw_shop.orders",) in tables
        for (table,) in tables:
            assert db.execute(f"select count(*) from {table} as t where t::text ilike '%canary%'").fetchone()[0] == 0, (
                table
            )

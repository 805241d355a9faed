"""Keys are the same in Python, in SQL for the import, and in the dbt macros."""

import random
import re
from pathlib import Path

import jinja2
import psycopg

from sluice import keys

PROJECT = Path(__file__).resolve().parents[2]
TEXTS = ["P00017", "", "Größe / 注文", "a'b\\c", "x" * 3000, "LEAD/1", "0", "☃\x1e", "ŝ"]


def _macros():
    text = (PROJECT / "dbt_project" / "macros" / "keys.sql").read_text()
    return jinja2.Environment().from_string(text).module


def _literal(text: str) -> str:
    return "e'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def test_sql_of_the_import_is_the_sql_of_the_models():
    macros = _macros()
    squeezed = [
        re.sub(r"\s+", "", text)
        for text in (
            keys.event_id_sql("a", "b", "c", "d", "e", "f", "g"),
            keys.case_key_sql("a", "b"),
            keys.activity_key_sql("a"),
            keys.variant_id_sql("a", "b"),
        )
    ]
    assert squeezed == [
        re.sub(r"\s+", "", text)
        for text in (
            macros.event_id("a", "b", "c", "d", "e", "f", "g"),
            macros.case_key("a", "b"),
            macros.activity_key("a"),
            macros.variant_id("a", "b"),
        )
    ]


def test_python_and_sql_agree_on_any_text(warehouse_url):
    chance = random.Random(1)
    with psycopg.connect(warehouse_url) as db:
        for number in range(40):
            parts = [chance.choice(TEXTS) + str(number) for _ in range(6)]
            literals = [_literal(part) for part in parts]
            found = db.execute(
                f"""select {keys.event_id_sql(*literals, str(number))}, {keys.case_key_sql(*literals[:2])},
                           {keys.activity_key_sql(literals[0])}"""
            ).fetchone()
            assert found == (keys.event_id(*parts, number), keys.case_key(*parts[:2]), keys.activity_key(parts[0]))
        found = db.execute(f"""select {keys.variant_id_sql("activity", "seq")}
                               from (values ('b', 2), ('a', 1), ('é', 3)) as v (activity, seq)""")
        assert found.fetchone()[0] == keys.variant_id(["a", "b", "é"])


def test_keys_keep_to_their_ranges_and_separate_what_differs():
    numbers = [keys.case_key("p", str(number)) for number in range(500)]
    assert any(number < 0 for number in numbers) and len(set(numbers)) == 500
    assert all(0 <= keys.activity_key(str(number)) < 2**31 for number in range(500))
    assert keys.case_key("ab", "c") != keys.case_key("a", "bc")
    assert keys.variant_id(["ab", "c"]) != keys.variant_id(["a", "bc"])
    assert len(keys.variant_id([])) == 16


def test_an_event_keeps_its_id_when_its_time_changes():
    same = ("purchase_to_pay", "P00017", "odoo", "mail_tracking_value", "812", "Approve PO", 1)
    assert keys.event_id(*same) == keys.event_id(*same)
    for position, other in enumerate(("x", "P00018", "sap", "account_move", "813", "Confirm PO", 2)):
        changed = list(same)
        changed[position] = other
        assert keys.event_id(*changed) != keys.event_id(*same)

"""A spec that is not right is refused with the file, the place and what was expected."""

from datetime import timedelta

import pytest

from extractors.specs import Column, load_spec
from sluice.errors import BadInput


def test_a_spec_is_read_whole(read_spec, spec_text):
    spec = read_spec(spec_text)
    orders = spec.tables["orders"]
    assert (spec.system, spec.overlap, spec.raw_schema, spec.landing_schema) == (
        "shop",
        timedelta(days=2),
        "raw_shop",
        "landing_shop",
    )
    assert (orders.key, orders.cursor, orders.index, orders.personal) == (
        ("id",),
        "write_date",
        (("name",), ("company_id", "partner_id")),
        ("note",),
    )
    assert spec.tables["changes"].columns[3] == Column("label", "case when kind = 'selection' then label end")
    assert spec.tables["order_invoice_rel"].cursor is None
    assert (spec.users.identity, spec.partners.user_partner) == ("login", "partner_id")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("system: shop", "system: shops", "system: expected the folder's own name"),
        ("timezone: UTC", "timezone: Middle/Earth", "timezone: expected an IANA zone"),
        ("overlap: 2 days", "overlap: two days", "overlap: expected a span"),
        (
            "    key: [id]\n    cursor: write_date\n    columns: [id, name",
            "    columns: [id, name",
            "table orders: expected key",
        ),
        ("personal: [note]", "personal: [note, name]", "columns that are not read, found name in both lists"),
        ("index: [name,", "index: [nam,", "table orders: index: expected declared columns, found nam"),
        ("users: [create_uid]", "users: [uid]", "table orders: users: expected declared columns, found uid"),
        ("personal: [note]", "privat: [note]", "table orders: expected only"),
        (
            "[order_id, invoice_id]\n    columns",
            "[order_id, invoice]\n    columns",
            "key: expected declared columns, found invoice",
        ),
        ("columns: [order_id, invoice_id]", "columns: [order_id, order_id]", "each column once"),
        ("columns: [id, is_company, write_date]", "columns: [id, _version, write_date]", "none called _version"),
        (
            "cursor: write_date\n    where",
            "cursor: updated\n    where",
            "table changes: cursor: expected a declared column",
        ),
        ("table: res_users, key", "table: users, key", "pseudonyms: expected tables that are declared"),
        ("columns: [id, is_company, write_date]", "columns: [id; drop, write_date]", "expected a name"),
        ("tables:", "tables: [", "not valid YAML"),
        ("overlap: 2 days", "connections: 0", "connections: expected a number from 1 to 8, found 0"),
        ("overlap: 2 days", "connections: yes", "connections: expected a number from 1 to 8"),
        ("where: \"model = 'orders'\"", "belongs_to: orders", "table changes: belongs_to: expected a mapping"),
        (
            'where: "model',
            'belongs_to: {column: order_id, table: orders}\n    where: "model',
            "expected where or belongs_to",
        ),
        (
            "where: \"model = 'orders'\"",
            "belongs_to: {column: order, table: orders}",
            "table changes: belongs_to: expected a declared column without an expression, found 'order'",
        ),
        (
            "where: \"model = 'orders'\"",
            "belongs_to: {column: label, table: orders}",
            "table changes: belongs_to: expected a declared column without an expression, found 'label'",
        ),
        (
            "where: \"model = 'orders'\"",
            "belongs_to: {column: order_id, table: res_partner}",
            "expected a table that is declared above and has a key of one column, found 'res_partner'",
        ),
        (
            "columns: [id, partner_id, write_date]",
            "columns: [id, partner_id, write_date]\n    belongs_to: {column: partner_id, table: order_invoice_rel}",
            "has a key of one column, found 'order_invoice_rel'",
        ),
    ],
)
def test_what_is_not_right_is_named(read_spec, spec_text, old, new, message):
    assert old in spec_text
    with pytest.raises(BadInput) as refused:
        read_spec(spec_text.replace(old, new, 1))
    assert message in str(refused.value) and "extractors/shop/tables.yml" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_system_without_a_file_is_named():
    with pytest.raises(BadInput, match=r"extractors/nothing/tables\.yml: there is no such file"):
        load_spec("nothing")


def test_a_spec_that_reads_differently_has_another_fingerprint(read_spec, spec_text):
    before = read_spec(spec_text).tables
    after = read_spec(
        spec_text.replace("kind = 'selection'", "kind = 'stage'").replace("index: [name,", "index: [")
    ).tables
    assert before["changes"].fingerprint != after["changes"].fingerprint
    assert before["orders"].fingerprint == after["orders"].fingerprint

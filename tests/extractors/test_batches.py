"""A source that gives Arrow batches lands like a Postgres source."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from extractors.batches import copy_batches
from extractors.postgres import land_source
from sluice.errors import BadInput, Blocked

SPEC = """
system: shop
schema: api
overlap: 1 day
tables:
  tickets:
    key: [id]
    cursor: updated_at
    columns: [id, state, amount, updated_at]
    personal: [subject]
  labels:
    key: [ticket_id, label]
    columns: [ticket_id, label]
"""
TICKETS = pa.schema(
    [
        ("id", pa.int64()),
        ("subject", pa.string()),
        ("state", pa.string()),
        ("amount", pa.decimal128(12, 2)),
        ("updated_at", pa.timestamp("us", tz="UTC")),
    ]
)
LABELS = pa.schema([("label", pa.string()), ("ticket_id", pa.int64())])
NEW_YEAR = datetime(2025, 1, 1, tzinfo=UTC)


class Api:
    """Tickets and labels in memory, given two rows at a time."""

    snapshot_at = datetime(2025, 6, 1, tzinfo=UTC)

    def __init__(self):
        self.tickets = [
            {
                "id": n,
                "subject": "canary",
                "state": "open",
                "amount": Decimal(n) / 4,
                "updated_at": NEW_YEAR + timedelta(days=n),
            }
            for n in range(1, 6)
        ]
        self.labels = [{"ticket_id": 1, "label": "a"}, {"ticket_id": 2, "label": "b"}]
        self.schema = TICKETS

    def rows(self, table, since, until):
        if table.name == "labels":
            return self.reader(self.labels, LABELS)
        return self.reader(
            [
                row
                for row in self.tickets
                if (since is None or row["updated_at"] >= since) and (until is None or row["updated_at"] < until)
            ],
            self.schema,
        )

    def keys(self, table):
        return self.reader(self.tickets, self.schema)

    def reader(self, rows, schema):
        table = pa.Table.from_pylist(rows, schema=schema)
        return pa.RecordBatchReader.from_batches(schema, iter(table.to_batches(max_chunksize=2)))


@pytest.fixture
def api(shop, read_spec):
    shop.spec = read_spec(SPEC)
    return Api()


def run(shop, api, *arguments):
    version = copy_batches(shop.settings, shop.spec, shop.context(*arguments), api)
    land_source(shop.settings, shop.spec, version, shop.context())
    return version


def test_nights_windows_and_deletions(shop, api):
    first = run(shop, api)
    assert shop.raw("tickets")[("3",)] == ("3", "open", "0.75", "2025-01-04 00:00:00+00")
    assert (shop.counts(first, "tickets"), shop.counts(first, "labels")) == ((5, 5, 0, 0), (2, 2, 0, 0))
    assert shop.watermarks() == {"tickets": NEW_YEAR + timedelta(days=5)}
    api.tickets[4]["state"] = "closed"
    del api.tickets[0]
    api.labels.pop()
    second = run(shop, api)
    assert (shop.counts(second, "tickets"), shop.counts(second, "labels")) == ((2, 0, 1, 1), (1, 0, 0, 1))
    api.tickets[0]["state"] = "won"
    third = run(shop, api, "window", NEW_YEAR + timedelta(days=2), NEW_YEAR + timedelta(days=3))
    assert shop.counts(third, "tickets") == (1, 0, 1, 0)
    assert shop.query("select count(*) from raw_shop.tickets as t where t::text like '%canary%'") == [(0,)]


def test_an_empty_table_lands_empty(shop, api):
    api.tickets, api.labels = [], []
    assert shop.counts(run(shop, api), "tickets") == (0, 0, 0, 0)


def test_a_missing_column_a_changed_type_and_a_duplicate_key_are_named(shop, api):
    run(shop, api)
    api.schema = TICKETS.remove(2)
    with pytest.raises(Blocked, match="shop: tickets: the source gives no column state"):
        run(shop, api)
    api.schema = TICKETS.set(3, pa.field("amount", pa.float64()))
    for row in api.tickets:
        row["amount"] = float(row["amount"])
    with pytest.raises(Blocked, match="column amount was of type numeric and is now double precision"):
        run(shop, api)
    api = Api()
    api.tickets.append(api.tickets[-1])
    with pytest.raises(Blocked, match=r"the key \(id\) is there more than once for 1 keys, first \(5\)"):
        run(shop, api)
    run(shop, Api())
    assert len(shop.raw("tickets")) == 5


def test_pseudonyms_need_a_postgres_source(shop):
    with pytest.raises(BadInput, match="expected none"):
        copy_batches(replace(shop.settings), shop.spec, shop.context(), Api())

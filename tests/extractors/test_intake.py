"""What a night asks of the source: each way of asking leads to the same rows, and a table is not read twice for them."""

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extractors import intake
from extractors.read_ahead import ReadAhead

SPEC = """
system: shop
title: A shop
schema: public
timezone: UTC
overlap: 1 hour
connections: {connections}
tables:
  user:
    key: [id]
    cursor: write_date
    where: "topic in ('a', 'b')"
    columns: [id, topic, write_date]
  messages:
    key: [id]
    cursor: write_date
    belongs_to: {{column: thread_id, table: user}}
    columns: [id, thread_id, write_date]
  notes:
    key: [id]
    cursor: write_date
    belongs_to: {{column: message_id, table: messages}}
    columns:
      - id
      - message_id
      - {{name: content, expression: "case when message_id > 0 then content end"}}
      - write_date
"""
TABLES = """
create table "user" (id {kind} primary key, topic text, write_date timestamp);
create table messages (id {kind} primary key, thread_id bigint, write_date timestamp);
create table notes (id {kind} primary key, message_id bigint, content text, write_date timestamp);
"""
IDS = st.integers(1, 6)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("thread"), IDS, st.sampled_from("abc")),  # c is not read
        st.tuples(st.just("message"), IDS, st.one_of(st.none(), st.integers(-70, -65), IDS)),
        st.tuples(st.just("note"), IDS, st.one_of(st.none(), st.just(2**62), IDS)),
        st.tuples(st.just("delete"), st.sampled_from(['"user"', "messages", "notes"]), IDS),
        st.tuples(st.just("night")),
    ),
    max_size=25,
)
WRITE = {
    "thread": """insert into "user" values (%s, %s, {now}) on conflict (id) do update
                 set (topic, write_date) = (excluded.topic, excluded.write_date)""",
    "message": """insert into messages values (%s, %s, {now}) on conflict (id) do update
                  set (thread_id, write_date) = (excluded.thread_id, excluded.write_date)""",
    "note": """insert into notes values (%s, %s, 'c', {now}) on conflict (id) do update
               set (message_id, write_date) = (excluded.message_id, excluded.write_date)""",
}
NOW = "'2025-01-01'::timestamp + {hour} * interval '1 hour'"


def threads(shop, read_spec, kind="integer", connections=2):
    shop.source(TABLES.format(kind=kind))
    shop.spec = read_spec(SPEC.format(connections=connections))
    return shop


def play(shop, steps):
    for hour, step in enumerate(steps):
        if step[0] == "night":
            shop.run()
            shop.assert_equal_to_source()
        elif step[0] == "delete":
            shop.source(f"delete from {step[1]} where id = %s", step[2])
        else:
            shop.source(WRITE[step[0]].format(now=NOW.format(hour=hour)), *step[1:])


def start_again(shop):
    shop.source('truncate "user", messages, notes')
    with psycopg.connect(shop.settings.warehouse_url) as db:
        db.execute(
            "drop schema if exists raw_shop cascade; drop schema if exists landing_shop cascade; "
            "truncate ops.loads cascade; truncate ops.watermarks"
        )
    # a table that is empty when first read has been read up to the source's clock, long after the times played here
    shop.source(
        """insert into "user" values (7, 'a', '2024-12-31'); insert into messages values (7, 7, '2024-12-31');
           insert into notes values (7, 7, '', '2024-12-31')"""
    )
    shop.run()


@pytest.mark.parametrize("connections", [1, 3])
@pytest.mark.parametrize("kind", ["integer", "bigint", "numeric"])  # the last does not travel as bits
@pytest.mark.parametrize("by_key", ["few by key", "none by key", "all by key"])
def test_what_belongs_to_a_row_that_is_read_is_read_and_nothing_else(shop, read_spec, kind, connections, by_key):
    threads(shop, read_spec, kind, connections)

    @settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
    @given(STEPS)
    def check(steps):
        start_again(shop)
        play(shop, steps)
        shop.run()
        shop.assert_equal_to_source()

    with pytest.MonkeyPatch.context() as patch:
        if by_key != "few by key":
            patch.setattr(intake, "_MOST_SHARE_BY_KEY", 0 if by_key == "none by key" else 1)
        check()


@pytest.fixture
def asked(monkeypatch):
    """(table, statement) of all that is asked of a source."""
    found = []
    ask = ReadAhead.ask

    def listen(self, query, table, what, **how):
        found.append((table, query.as_string(None)))
        ask(self, query, table, what, **how)

    monkeypatch.setattr(ReadAhead, "ask", listen)
    return found


def test_a_night_makes_one_pass_over_a_table_and_finds_its_news_by_key(shop, read_spec, asked):
    threads(shop, read_spec)
    shop.source(
        """insert into "user" select n, 'a', '2024-01-01'::date + n / 1000 from generate_series(1, 1000) as n;
           insert into messages select n, n, '2024-01-01'::date + n / 1000 from generate_series(1, 1000) as n;
           insert into notes select n, n, 'c', '2024-01-01' from generate_series(1, 1000) as n;
           insert into notes values (1001, 1000, 'c', '2025-01-20')"""
    )
    shop.run()
    del asked[:]
    shop.source("""update "user" set (topic, write_date) = ('b', '2025-02-01') where id in (3, 500);
                   update "user" set topic = 'c' where id = 4;
                   insert into notes values (1002, 1000, 'c', '2025-02-02')""")
    version = shop.run()
    shop.assert_equal_to_source()
    assert shop.counts(version, "user")[1:] == (0, 2, 1)
    assert shop.counts(version, "messages")[1:] == (0, 0, 1)  # that of thread 4
    assert shop.counts(version, "notes") == (2, 1, 0, 1)  # of the overlap the one, and the new one
    for table in ("user", "messages", "notes"):
        keys, rows = [statement for name, statement in asked if name == table]
        assert "bit_or" in keys and "from (select" in keys
        assert "= any(" in rows and 'write_date" >=' not in rows, rows
    notes = [statement for name, statement in asked if name == "notes"]
    assert "get_bit" in notes[0] and " in (select" not in notes[0]


def test_many_news_are_read_in_one_pass(shop, read_spec, asked):
    threads(shop, read_spec)
    shop.source(
        """insert into "user" select n, 'a', '2024-01-01'::date + n / 1000 from generate_series(1, 1000) as n"""
    )
    shop.run()
    shop.source("""update "user" set write_date = '2025-02-01' where id <= 100""")
    del asked[:]
    version = shop.run()
    assert shop.counts(version, "user") == (101, 0, 100, 0)  # and that of the overlap
    (rows,) = [statement for name, statement in asked if name == "user" and "bit_or" not in statement]
    assert "= any(" not in rows and 'write_date" >=' in rows


def test_keys_beyond_the_longest_string_of_bits_are_looked_up_at_the_source(shop, read_spec, asked):
    threads(shop, read_spec, "bigint")
    shop.source(
        """insert into "user" values (%s, 'a', '2025-01-01'), (5, 'c', '2025-01-01');
           insert into messages values (1, 8589934592, '2025-01-01'), (2, 5, '2025-01-01')""".replace("%s", str(2**33))
    )
    shop.run()
    del asked[:]
    shop.source("insert into messages values (3, 8589934592, '2025-01-01'), (4, 5, '2025-01-01')")
    shop.run()
    shop.assert_equal_to_source()
    assert sorted(shop.raw("messages")) == [("1",), ("3",)]
    assert all("get_bit" not in statement for name, statement in asked if name == "messages")


def test_what_is_no_whole_number_belongs_to_nothing(shop, read_spec, asked):
    threads(shop, read_spec)
    shop.source(
        """alter table messages alter column thread_id type numeric;
           insert into "user" values (3, 'a', '2025-01-01'), (4, 'a', '2025-01-01');
           insert into messages values (1, 3, '2025-01-01')"""
    )
    shop.run()
    del asked[:]
    shop.source("insert into messages values (2, 3.5, '2025-01-02'), (3, 4.0, '2025-01-02')")
    shop.run()
    shop.assert_equal_to_source()
    assert sorted(shop.raw("messages")) == [("1",), ("3",)]
    assert all("get_bit" not in statement for name, statement in asked if name == "messages")

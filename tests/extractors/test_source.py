"""A source that cannot be reached, or that fails while it is read: one line, and never a password."""

import socket
import traceback
from dataclasses import replace

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from extractors.source import open_source
from sluice.errors import Blocked, SourceUnreachable


def refusal(shop, url: str | None, kind: type[Blocked] = Blocked) -> str:
    shop.settings = replace(shop.settings, source_urls={"shop": url} if url else {})
    with pytest.raises(Blocked) as blocked:
        shop.copy()
    assert type(blocked.value) is kind, "only what waiting may repair is tried again"
    assert "\n" not in str(blocked.value)
    assert "s3cret" not in "".join(traceback.format_exception(blocked.value))
    return str(blocked.value)


def test_a_source_that_does_not_answer(shop):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    message = refusal(shop, f"postgresql://reader:s3cret@127.0.0.1:{port}/shop", SourceUnreachable)
    assert f"the source 127.0.0.1:{port}/shop cannot be reached" in message and "SLUICE_SOURCE_SHOP_URL" in message


def test_a_wrong_password_and_a_database_that_is_not_there(shop):
    parts = conninfo_to_dict(shop.source_url)
    server = f"{parts['host']}:{parts['port']}"
    assert "password authentication failed" in refusal(shop, f"postgresql://{parts['user']}:s3cret@{server}/postgres")
    assert '"nowhere" does not exist' in refusal(shop, shop.source_url.rsplit("/", 1)[0] + "/nowhere")


def test_no_source_and_a_url_that_is_none(shop):
    assert "no source is set: set SLUICE_SOURCE_SHOP_URL" in refusal(shop, None)
    assert "is not a connection URL" in refusal(shop, "postgresql://reader:s3cret@[half/shop")
    assert "is not a connection URL" in refusal(shop, "jdbc:s3cret")


def test_a_query_that_fails_at_the_source_is_one_line(shop):
    with open_source(shop.settings, shop.spec) as source:
        with pytest.raises(Blocked, match="shop: table orders: the source failed while it was read") as blocked:
            list(source.blocks(sql.SQL("select 1 / (id - 15) from orders"), "orders"))
    assert not isinstance(blocked.value, SourceUnreachable), "another try would not help"
    with open_source(shop.settings, shop.spec) as source:
        with pytest.raises(Blocked, match='relation "nothing" does not exist'):
            list(source.blocks(sql.SQL("select 1 from nothing"), "nothing"))


def test_a_connection_cut_while_it_is_read_is_one_line(shop):
    shop.source("insert into orders (name) select repeat('x', 60) from generate_series(1, 50000)")
    with open_source(shop.settings, shop.spec) as source:
        blocks = source.blocks(sql.SQL("select * from orders, generate_series(1, 20)"), "orders")
        next(blocks)
        pid = source.db.info.backend_pid
        with psycopg.connect(shop.source_url) as db:
            db.execute("select pg_terminate_backend(%s)", (pid,))
        with pytest.raises(SourceUnreachable, match="run again; what was copied is discarded"):
            list(blocks)

"""The rows that mining keeps from night to night: the same log as the warehouse gives, or not used at all."""

import random
import stat

import psycopg
import pytest

from mining_tasks import io
from mining_tasks.kept_rows import KeptRows
from mining_tasks.runner import mine
from sluice.publish import publish
from tests.expectations.candidates import Candidate, let_through, process, run
from tests.expectations.candidates import mine as mine_in_sql
from tests.mining_tasks.test_runner import everything, night, some_cases

ATTRIBUTES = ["amount", "currency"]


def published_token(url):
    with psycopg.connect(url) as db:
        return db.execute("select kept_rows from ops.process_state where process = 'demo'").fetchone()[0]


def folder(settings):
    return settings.home / "mining" / "demo"


def read(settings, kept=None):
    """The log as it will be published, and attributes of its cases."""
    with io.keeping(kept):
        log = io.read_log(settings.warehouse_url, "demo")
        attributes = io.plain_attributes(settings.warehouse_url, "demo", ATTRIBUTES)
    return log.events, log.cases, attributes


def kept_by(settings, monkeypatch):
    """(what is read with the kept rows, whether nothing that is published was read for it)."""
    whole, asked = io._everywhere, []

    def everywhere(cursor, process, candidate, published, columns):
        asked.append(published)
        return whole(cursor, process, candidate, published, columns)

    kept = KeptRows(folder(settings), published_token(settings.warehouse_url))
    with monkeypatch.context() as patched:
        patched.setattr(io, "_everywhere", everywhere)
        found = read(settings, kept)
    kept.close()
    kept.drop_others(None)
    return found, not any(asked)


def built(settings, number, cases, *, touched=(), quarantined=None, amounts=None):
    """A candidate that was gated, not mined."""
    ctx = run(number)
    made = Candidate(cases, touched=set(touched), upto_version=number, amounts=amounts or {})
    made.write(settings.warehouse_url, ctx)
    let_through(settings.warehouse_url, ctx, quarantined)


def went_on(settings, number):
    mine(settings, "demo", run(number), order=process().order)
    publish(settings, process(), run(number))


def test_the_log_of_a_night_is_the_same_with_kept_rows_and_without(settings, monkeypatch):
    chance = random.Random(4)
    night(settings, 1, some_cases(1))
    monkeypatch.setattr("mining_tasks.terms.causes_of", lambda *_: tuple(ATTRIBUTES))  # attributes are kept, too
    known = set(some_cases(1))
    for number in range(2, 9):
        fresh = some_cases(number)
        changed = {name: fresh[name] for name in chance.sample(sorted(fresh), 5)} | {f"new {number}": fresh["case 0"]}
        gone = set(chance.sample(sorted(known - set(changed)), 2))
        bad = dict.fromkeys(chance.sample(sorted(changed), 2), "planted")
        amounts = {name: chance.random() * 1000 for name in changed}
        built(settings, number, changed, touched=gone, quarantined=bad, amounts=amounts)
        by_kept, is_kept = kept_by(settings, monkeypatch)
        whole = read(settings)
        assert is_kept == (number > 2)  # the first night asked for no attributes
        for one, other in zip(by_kept, whole, strict=True):
            assert one.equals(other) and one.schema == other.schema and len(one)
        went_on(settings, number)
        known = (known | set(changed)) - gone - set(bad)
        there = {path.name for path in folder(settings).iterdir()}
        assert published_token(settings.warehouse_url) in there and len(there) <= 2  # and those of the night before


def test_a_mining_that_was_never_published_leaves_the_rows_of_the_published_one(settings):
    night(settings, 1, some_cases(1))
    token = published_token(settings.warehouse_url)
    built(settings, 2, {"case 1": some_cases(2)["case 1"]})
    mine(settings, "demo", run(2), order=process().order)
    assert published_token(settings.warehouse_url) == token and len(list(folder(settings).iterdir())) == 2
    night(settings, 3, {"case 2": some_cases(3)["case 2"]})
    by_nights = everything(settings.warehouse_url)
    whole = some_cases(1) | {"case 2": some_cases(3)["case 2"]}
    night(settings, 4, whole, is_full=True)
    assert everything(settings.warehouse_url) == by_nights


def test_a_night_without_news_keeps_the_rows_of_what_is_published_and_no_others(settings):
    night(settings, 1, some_cases(1))
    night(settings, 2, {}, touched={"case 3"})  # who was in it may have to be forgotten
    token = published_token(settings.warehouse_url)
    assert len(list(folder(settings).iterdir())) == 2
    night(settings, 3, {})
    assert published_token(settings.warehouse_url) == token is not None
    assert [path.name for path in folder(settings).iterdir()] == [token]


def test_rows_of_another_publication_are_not_used(settings, monkeypatch):
    night(settings, 1, some_cases(1))
    built(settings, 2, {"case 1": some_cases(2)["case 1"]})
    with psycopg.connect(settings.warehouse_url) as db:
        db.execute("drop table if exists candidate.demo__mined")
    mine_in_sql(settings.warehouse_url, run(2))  # which leaves no note
    publish(settings, process(), run(2))
    assert published_token(settings.warehouse_url) is None
    built(settings, 3, {"case 2": some_cases(3)["case 2"]})
    assert kept_by(settings, monkeypatch)[1] is False


@pytest.mark.parametrize("content", [b"", b"ARROW1\0\0", None])
def test_files_that_cannot_be_read_are_done_without(settings, monkeypatch, content):
    night(settings, 1, some_cases(1))
    for path in folder(settings).rglob("*.arrow"):
        if content is None:
            path.write_bytes(path.read_bytes()[:-40])
        else:
            path.write_bytes(content)
    built(settings, 2, {"case 1": some_cases(2)["case 1"]}, touched={"case 3"})
    by_kept, is_kept = kept_by(settings, monkeypatch)
    assert not is_kept and all(one.equals(other) for one, other in zip(by_kept, read(settings), strict=True))


def test_columns_of_another_type_are_read_anew(settings, monkeypatch):
    night(settings, 1, some_cases(1))
    built(settings, 2, {"case 1": some_cases(2)["case 1"]})
    with psycopg.connect(settings.warehouse_url) as db:
        db.execute("alter table candidate.demo__events alter column event_seq type smallint")
    _, is_kept = kept_by(settings, monkeypatch)
    assert not is_kept


def test_the_files_are_the_owners_alone(settings):
    night(settings, 1, some_cases(1))
    paths = [folder(settings), *folder(settings).rglob("*")]
    assert len(paths) > 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o700, 0o600}


def test_a_night_whose_rows_cannot_be_kept_passes(settings):
    settings.home.mkdir(exist_ok=True)
    (settings.home / "mining").write_text("a file, where the folder would be")
    night(settings, 1, some_cases(1))
    assert published_token(settings.warehouse_url) is None
    night(settings, 2, {"case 1": some_cases(2)["case 1"]})
    assert everything(settings.warehouse_url)["case_kpis"]

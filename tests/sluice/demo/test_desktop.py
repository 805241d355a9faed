"""The exports: read whole by the real parsers, about documents and people that are in the ERP, without overlaps."""

import csv
import json
from collections import defaultdict
from datetime import timedelta

import psycopg

from extractors.agent.deidentify import Rules, declared_zone
from extractors.agent.formats import decode, parse, tell
from extractors.agent.records import BadRow
from extractors.agent.vocabulary import load_vocabulary
from sluice.demo.calendar import TODAY
from sluice.pseudonyms import Pseudonymiser

NIGHT = TODAY + timedelta(days=1)


def _names(made, start: str) -> list[str]:
    return sorted(path.name for path in made.state.agent_drop.iterdir() if path.name.startswith(start))


def _rpa(made, name: str) -> list[dict]:
    with open(made.state.agent_drop / name, newline="") as file:
        return list(csv.DictReader(file))


def test_people_of_the_exports_are_people_of_the_erp(made) -> None:
    with open(made.state.person_map, newline="") as file:
        people = defaultdict(dict)
        for row in csv.DictReader(file):
            people[row["person"]].setdefault(row["kind"], set()).add(row["value"])
    with psycopg.connect(made.url) as db:
        logins = {login for (login,) in db.execute("select login from res_users where active")}
    assert {login for person in people.values() for login in person["erp_login"]} == logins
    desks = {login for person in people.values() for login in person["desktop_login"]}
    seen = {name.split("_")[1] for name in _names(made, "")}
    assert seen <= desks
    assert len({name.split("_")[1] for name in _names(made, "rpa_")}) >= 6


def test_the_routine_is_done_by_at_least_five_people(made) -> None:
    copying = set()
    for name in _names(made, "rpa_"):
        rows = _rpa(made, name)
        if any(row["eventType"] == "paste" for row in rows):
            copying.add(name.split("_")[1])
    assert len(copying) >= 5


def test_recordings_mention_the_documents_at_their_time(made) -> None:
    with psycopg.connect(made.url) as db:
        bills = dict(
            db.execute(
                "select name, min(create_date)::text from account_move where move_type = 'in_invoice' "
                "and state = 'posted' group by name"
            )
        )
        orders = {name for (name,) in db.execute("select name from purchase_order")}
    confirmed = [
        row for name in _names(made, "rpa_") for row in _rpa(made, name) if row["target.innerText"] == "Confirm"
    ]
    assert len(confirmed) > 30
    assert {row["target.title"] for row in confirmed} <= bills.keys()
    opened = [
        row["url"].rsplit("/", 1)[1]
        for name in _names(made, "rpa_")
        for row in _rpa(made, name)
        if row["eventType"] == "navigate_to" and "/purchase/" in row["url"]
    ]
    assert set(opened) <= orders and opened


def test_a_person_does_one_thing_at_a_time(made) -> None:
    for name in _names(made, "activitywatch_"):
        export = json.loads((made.state.agent_drop / name).read_text())
        buckets = export["buckets"]
        for bucket in buckets.values() if isinstance(buckets, dict) else buckets:
            events = bucket["events"]
            starts = [event["timestamp"] for event in events]
            assert starts == sorted(starts, reverse=True), "newest first"


def test_formats_vary_as_they_do_in_the_wild(made) -> None:
    first = (made.state.agent_drop / _names(made, "smartrpa_")[0]).read_bytes()
    assert first.startswith(b"\xef\xbb\xbftimestamp,user,") and first.endswith(b"\n")
    exports = [
        json.loads((made.state.agent_drop / name).read_text())["buckets"] for name in _names(made, "activitywatch_")
    ]
    assert {type(buckets) for buckets in exports} == {dict, list}
    durations = {
        event["duration"]
        for buckets in exports
        if isinstance(buckets, dict)
        for bucket in buckets.values()
        for event in bucket["events"]
    }
    assert 0.0 in durations


def test_one_workstation_exports_everything_again_and_one_event_grew(made) -> None:
    def events(name: bytes) -> dict[str, float]:
        buckets = json.loads(name)["buckets"]
        found = buckets.values() if isinstance(buckets, dict) else buckets
        return {
            f"{bucket['id']} {event['timestamp']}": event["duration"] for bucket in found for event in bucket["events"]
        }

    grown = again = 0
    files = made.files[NIGHT]
    for name in files:
        if "activitywatch" in name and str(TODAY) in name:
            later = name.replace(str(TODAY), str(NIGHT))
            if later in files:
                old, new = events(files[name]), events(files[later])
                if old.keys() <= new.keys():
                    again += 1
                    grown += sum(new[key] > duration for key, duration in old.items())
    assert (again, grown) == (1, 1)


def test_parsers_read_every_row_but_the_planted_bad_lines(made) -> None:
    rules = Rules(Pseudonymiser(b"k" * 32, {}), load_vocabulary(), declared_zone("UTC"))
    bad, persons, documents = defaultdict(int), set(), set()
    for path in sorted(made.state.agent_drop.iterdir()):
        text = decode(path.read_bytes())
        kind, delimiter = tell(text)
        for row in parse(text, kind, delimiter, rules):
            if isinstance(row, BadRow):
                bad[path.name] += 1
            else:
                persons.add(row.person)
                documents.add(row.document_ref)
                assert row.action != "other" and not row.application.startswith("app "), path.name
    days = {name.removesuffix(".csv").rsplit("_", 1)[1] for name in bad}
    assert set(bad.values()) == {3} and days <= {str(NIGHT), str(NIGHT + timedelta(days=1))}
    assert None not in persons
    assert {str(ref)[:2] for ref in documents} >= {"P0", "BI", "S0"}

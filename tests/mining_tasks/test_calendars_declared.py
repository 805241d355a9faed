"""What a process may declare of its performance, and that every mistake is named with its file and key."""

from datetime import date
from pathlib import Path

import pytest
import yaml

from mining_tasks.calendars_declared import Due, Performance, Rates, load_calendar, load_performance
from sluice.errors import BadInput
from sluice.processes import list_processes

H = 3600
CALENDAR = {
    "calendar": "shop",
    "zone": "Europe/Vienna",
    "hours": {"monday": ["08:00-12:00", "13:00-17:30"], "saturday": ["22:00-06:00"]},
    "holidays": [date(2025, 7, 21), "12-25", "easter+1", "easter"],
    "other_hours": {"12-24": ["08:00-12:00"], "2025-12-24": ["08:00-10:00"]},
}
PERFORMANCE = {
    "calendar": "shop",
    "calendars": {
        "attribute": "country",
        "values": {"AT": "shop"},
        "activities": {"Pay": "shop"},
        "resources": {"p_1": "shop"},
    },
    "costs": {"currency": "EUR", "processing_per_hour": 48, "activities": {"Pay": {"waiting_per_hour": 1.5}}},
    "due": {
        "goods": {"attribute": "planned_at", "activity": "Receive", "which": "last"},
        "paid": {"activity": "Pay", "since": "Post", "within": "3 days of working time"},
    },
    "batch_gap": "5 minutes",
    "rework_activities": ["Mend"],
}


@pytest.fixture
def declare(tmp_path: Path):
    """Write a process and a calendar, changed as asked; returns the project."""

    def write(performance=None, calendar=None) -> Path:
        (tmp_path / "processes" / "calendars").mkdir(parents=True, exist_ok=True)
        process = {"process": "work", "performance": PERFORMANCE | (performance or {})}
        (tmp_path / "processes" / "work.yml").write_text(yaml.safe_dump(process))
        (tmp_path / "processes" / "calendars" / "shop.yml").write_text(yaml.safe_dump(CALENDAR | (calendar or {})))
        return tmp_path

    return write


def test_a_calendar_is_read_as_written(declare):
    shop = load_calendar("shop", declare())
    assert (shop.name, shop.zone) == ("shop", "Europe/Vienna")
    assert shop.week == (((8 * H, 12 * H), (13 * H, 17 * H + 1800)), (), (), (), (), ((22 * H, 30 * H),), ())
    assert shop.exceptions(date(2025, 4, 1), date(2025, 12, 31)) == {
        date(2025, 4, 20): (),
        date(2025, 4, 21): (),
        date(2025, 7, 21): (),
        date(2025, 12, 24): ((8 * H, 10 * H),),
        date(2025, 12, 25): (),
    }
    assert shop.exceptions(date(2026, 12, 24), date(2026, 12, 24)) == {date(2026, 12, 24): ((8 * H, 12 * H),)}


def test_a_declaration_is_read_as_written(declare):
    found = load_performance("work", declare())
    assert (found.calendar, found.by_attribute) == ("shop", ("country", {"AT": "shop"}))
    assert (found.by_activity, found.by_resource, set(found.calendars)) == ({"Pay": "shop"}, {"p_1": "shop"}, {"shop"})
    assert (found.currency, found.rates, found.activity_rates) == ("EUR", Rates(48, 0), {"Pay": Rates(48, 1.5)})
    assert found.due == (
        Due("goods", "Receive", which="last", attribute="planned_at"),
        Due("paid", "Pay", since="Post", within_us=3 * 86_400_000_000, is_working=True),
    )
    assert (found.batch_gap_us, found.rework_activities) == (300_000_000, ("Mend",))
    assert found.attributes == ("country", "planned_at")


def test_a_process_that_declares_nothing_works_around_the_clock(tmp_path):
    (tmp_path / "processes").mkdir()
    (tmp_path / "processes" / "work.yml").write_text("process: work\n")
    assert load_performance("work", tmp_path) == Performance()


def test_what_the_project_declares_can_be_read():
    assert all(isinstance(load_performance(name), Performance) for name in list_processes())


@pytest.mark.parametrize(
    ("performance", "calendar", "message"),
    [
        ({"calender": "shop"}, {}, r"work\.yml: performance: keys: expected some of calendar,"),
        ({"calendar": "other"}, {}, r"other\.yml: expected this file"),
        ({"calendar": "../x"}, {}, "calendar: expected the name of a file"),
        ({"calendars": {"attribute": "country"}}, {}, "calendars: expected an attribute with values, or neither"),
        ({"calendars": {"activities": {"Pay": 3}}}, {}, "calendars: activities: expected names of calendars"),
        ({"costs": {"waiting_per_hour": 1}}, {}, "costs: currency: expected a currency"),
        (
            {"costs": {"currency": "EUR", "waiting_per_hour": -1}},
            {},
            "waiting_per_hour: expected an amount of at least 0",
        ),
        ({"due": {"x": {"activity": "Pay"}}}, {}, "due: x: expected either attribute or within"),
        ({"due": {"x": {"activity": "Pay", "within": "soon"}}}, {}, "due: x: within: expected a number and a unit"),
        ({"due": {"x": {"attribute": "due"}}}, {}, "due: x: expected activity, with attribute or within"),
        ({"batch_gap": "soon"}, {}, "batch_gap: expected a number and a unit"),
        ({"batch_gap": "999999999 weeks"}, {}, "batch_gap: expected a number and a unit"),
        ({"rework_activities": "Mend"}, {}, "rework_activities: expected a list of activities"),
        ({}, {"zone": "Europe/Nowhere"}, r"shop\.yml: zone: expected a time zone"),
        ({}, {"zone": None}, r"shop\.yml: zone: expected a time zone"),
        ({}, {"hours": {"mon": []}}, "hours: expected weekdays"),
        ({}, {"hours": {"monday": ["8-12"]}}, r"hours: expected hours such as \[08:00-12:00"),
        ({}, {"hours": {"monday": ["08:00-25:00"]}}, "found '08:00-25:00'"),
        ({}, {"holidays": ["13-01"]}, "holidays: expected days as 2025-12-24"),
        ({}, {"holidays": ["2025-02-30"]}, "holidays: expected days as 2025-12-24"),
        ({}, {"calendar": "store"}, "calendar: expected the file's name, shop"),
    ],
)
def test_mistakes_are_named(declare, performance, calendar, message):
    with pytest.raises(BadInput, match=message) as raised:
        load_performance("work", declare(performance, calendar))
    assert "\n" not in str(raised.value)

"""Times of files: which are read, what becomes of naive ones, and what daylight saving does."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.errors import BadInput
from sluice.import_log.times import BadTime, NaiveTime, TimeReader, shape, zone


@pytest.mark.parametrize(
    "text, expected",
    [
        ("2011-10-01T00:38:44.546+02:00", "2011-09-30T22:38:44.546000+00:00"),
        ("2011-10-01 00:38:44Z", "2011-10-01T00:38:44+00:00"),
        ("2011-10-01 00:38:44 UTC", "2011-10-01T00:38:44+00:00"),
        ("2011-10-01 00:38:44 +0200", "2011-09-30T22:38:44+00:00"),
        ("2014/10/22 11:15:41.000 +01:00", "2014-10-22T10:15:41+00:00"),
        ("1948-01-26T23:59:00+01:00", "1948-01-26T22:59:00+00:00"),
        ("2020-01-01T00:00:00.123456789Z", "2020-01-01T00:00:00.123456+00:00"),
        ("2020-01-01T00:00:00+23:59", "2019-12-31T00:01:00+00:00"),
    ],
)
def test_times_with_a_zone(text, expected):
    assert datetime.fromisoformat(TimeReader().read(text)) == datetime.fromisoformat(expected)


def test_naive_time_needs_a_declared_zone():
    with pytest.raises(NaiveTime, match="--timezone"):
        TimeReader().read("2020-01-01 10:00")
    assert TimeReader(ZoneInfo("Europe/Amsterdam")).read("2020-07-01 10:00") == "2020-07-01T08:00:00+00:00"


def test_declared_zone_does_not_touch_times_that_have_one():
    assert TimeReader(ZoneInfo("Asia/Tokyo")).read("2020-07-01T10:00Z") == "2020-07-01T10:00:00+00:00"


def test_daylight_saving_is_counted_and_right():
    times = TimeReader(ZoneInfo("Europe/Amsterdam"))
    assert times.read("2021-10-31 02:30") == "2021-10-31T00:30:00+00:00"  # exists twice: the first
    assert times.read("2021-03-28 02:30") == "2021-03-28T01:30:00+00:00"  # does not exist: 03:30 summer time
    assert times.read("2021-03-28 03:30") == "2021-03-28T01:30:00+00:00"
    assert (times.doubled_count, times.skipped_count) == (1, 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "yesterday",
        "31.12.2019",
        "2020-13-01",
        "0001-01-01T00:00:00+02:00",
        "9999-12-31T23:59:59-01:00",
        "2020-01-01T25:00Z",
    ],
)
def test_what_is_no_time(text):
    with pytest.raises(BadTime) as caught:
        TimeReader().read(text)
    assert "yesterday" not in str(caught.value)


def test_declared_format():
    times = TimeReader(ZoneInfo("UTC"), "%d.%m.%Y %H:%M")
    assert times.read("31.12.2019 17:05") == "2019-12-31T17:05:00+00:00"
    with pytest.raises(BadTime, match="expected the format"):
        times.read("2019-12-31 17:05")


@given(st.text(max_size=60))
def test_any_text_is_a_time_or_a_bad_time(text):
    try:
        assert datetime.fromisoformat(TimeReader(ZoneInfo("Europe/Paris")).read(text)).tzinfo is not None
    except BadTime:
        assert len(shape(text)) <= 40


def test_unknown_zone_is_named():
    assert zone(None) is None
    for name in ("Mars/Olympus", "", "../../etc/passwd", "Europe"):
        with pytest.raises(BadInput):
            zone(name)

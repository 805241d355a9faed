"""Durations as declarations give them: `5 days`, `90 minutes`, `8 hours of working time`."""

import re
from datetime import timedelta

LONGEST = timedelta(days=36525)
WORKING = " of working time"
_DURATION = re.compile(r"(\d{1,10}) (second|minute|hour|day|week)s?")
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}


def duration_of(value: object) -> timedelta | None:
    """A whole number and a unit; None: it is none, or longer than a hundred years.

    >>> duration_of("36 hours"), duration_of("soon"), duration_of("5300 weeks")
    (datetime.timedelta(days=1, seconds=43200), None, None)
    """
    match = _DURATION.fullmatch(str(value))
    seconds = int(match[1]) * _UNITS[match[2]] if match else None
    return timedelta(seconds=seconds) if seconds is not None and seconds <= LONGEST.total_seconds() else None


def working_duration_of(value: object) -> tuple[timedelta | None, bool]:
    """A duration (see `duration_of`), and whether it is one of working time.

    >>> working_duration_of("8 hours of working time"), working_duration_of("1 day")
    ((datetime.timedelta(seconds=28800), True), (datetime.timedelta(days=1), False))
    """
    text = str(value)
    return duration_of(text.removesuffix(WORKING)), text.endswith(WORKING)


def microseconds(duration: timedelta) -> int:
    """A duration in whole microseconds."""
    return duration // timedelta(microseconds=1)

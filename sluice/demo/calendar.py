"""The demo company's working time: all its work is simulated in working seconds, so that nights, weekends and
holidays cost nothing. It keeps UTC all the year, as Odoo's own tables do."""

from datetime import UTC, date, datetime, timedelta

OPENS, CLOSES = 8 * 3600, 17 * 3600  # seconds of the day
WORKDAY = CLOSES - OPENS
HOUR = 3600
FIRST_DAY = date(2025, 1, 2)
TODAY = date(2025, 6, 30)  # the last day of the history: fixed, so that a demo never depends on the clock
_YEARS = range(2024, 2030)
_EPOCH = date(1970, 1, 1)
_FIXED_HOLIDAYS = ((1, 1), (5, 1), (12, 24), (12, 25), (12, 26), (12, 31))


def easter(year: int) -> date:
    """Easter Sunday of `year` (Gregorian; the anonymous algorithm of Nature, 20 April 1876)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (a + 11 * h) // 319
    r = (2 * e + 2 * i - k - h + m + 32) % 7
    month = (h - m + r + 90) // 25
    return date(year, month, (h - m + r + month + 19) % 32)


def holidays(year: int) -> set[date]:
    """The company's holidays: the fixed ones, Good Friday, Easter Monday, Ascension and Whit Monday."""
    moving = {easter(year) + timedelta(days=shift) for shift in (-2, 1, 39, 50)}
    return moving | {date(year, month, day) for month, day in _FIXED_HOLIDAYS}


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def day_of(seconds: int) -> date:
    """The calendar day of a time in seconds since 1970-01-01 UTC."""
    return _EPOCH + timedelta(days=seconds // 86400)


class WorkCalendar:
    """Maps working seconds (0 = the first second of the first working day) to seconds since 1970 and back."""

    def __init__(self) -> None:
        free = {day for year in _YEARS for day in holidays(year)}
        first = date(_YEARS[0], 1, 1)
        days = (first + timedelta(days=n) for n in range((date(_YEARS[-1] + 1, 1, 1) - first).days))
        self.workdays = [day_number(day) for day in days if day.weekday() < 5 and day not in free]
        self.index = {day: n for n, day in enumerate(self.workdays)}

    def is_workday(self, day: date) -> bool:
        """Whether the company works on `day`."""
        return day_number(day) in self.index

    def time(self, work: int) -> int:
        """Seconds since 1970 of working second `work`."""
        day, second = divmod(int(work), WORKDAY)
        return self.workdays[day] * 86400 + OPENS + second

    def work(self, day: date) -> int:
        """The first working second of `day`, which must be a working day."""
        return self.index[day_number(day)] * WORKDAY


class Stamps(dict):
    """Seconds since 1970 -> 'YYYY-MM-DD HH:MM:SS' (UTC, no zone, as Odoo writes it); days are worked out once."""

    def __init__(self) -> None:
        super().__init__()
        self._minutes = [f" {m // 60:02d}:{m % 60:02d}:" for m in range(1440)]
        self._seconds = [f"{s:02d}" for s in range(60)]
        self._last, self._text = -1, ""

    def __missing__(self, day: int) -> str:
        text = self[day] = (_EPOCH + timedelta(days=day)).isoformat()
        return text

    def stamp(self, seconds: int) -> str:
        """The timestamp's text."""
        if seconds != self._last:  # most calls are for the same moment as the one before
            self._last = seconds
            self._text = self[seconds // 86400] + self._minutes[seconds % 86400 // 60] + self._seconds[seconds % 60]
        return self._text

    def day(self, seconds: int) -> str:
        """The date's text."""
        return self[seconds // 86400]


def utc(seconds: float) -> datetime:
    """The aware datetime of seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)

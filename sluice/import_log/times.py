"""Times of a file: ISO 8601 and what Disco and spreadsheets make of it, to ISO 8601 with an offset.

A naive time needs a declared zone. Daylight saving (PEP 495, fold=0): an hour that exists twice is read as its first
occurrence, one that does not exist is moved on by the gap; both are counted.
"""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sluice.errors import BadInput, SluiceError

# what PostgreSQL reads as Python does: the usual form, offsets and years that it knows
_PLAIN = re.compile(r"[12]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?[+-](?:0\d|1[0-4]):\d\d", re.ASCII).fullmatch


class BadTime(SluiceError):
    """A text that is no time."""


class NaiveTime(SluiceError):
    """A time without a zone, and none was declared."""


def zone(name: str | None) -> ZoneInfo | None:
    """The zone called `name` in the IANA database, or None for None; BadInput if there is none."""
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        pass
    raise BadInput(
        f"--timezone {name!r}: there is no such time zone: give an IANA name such as Europe/Amsterdam, or UTC"
    )


def shape(text: str) -> str:
    """What a text looks like without saying it: digits become 9, letters a.

    >>> shape("31.12.2019 5 pm")
    '99.99.9999 9 aa'
    """
    return re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", text[:40]))


class TimeReader:
    """Reads the times of one file. declared: the zone of naive times; format: a strptime format instead of ISO 8601.

    >>> TimeReader(ZoneInfo("Europe/Amsterdam")).read("2014/10/22 11:15:41.000")
    '2014-10-22T09:15:41+00:00'
    """

    def __init__(self, declared: ZoneInfo | None = None, format: str | None = None):
        self.declared = declared
        self.format = format
        self.doubled_count = 0  # in the hour that exists twice
        self.skipped_count = 0  # in the hour that does not exist

    def read(self, text: str) -> str:
        """`text` as ISO 8601 with an offset; raises BadTime or NaiveTime."""
        try:
            moment = datetime.strptime(text, self.format) if self.format else datetime.fromisoformat(text)
        except ValueError:
            moment = self._second_try(text)
        else:
            if moment.tzinfo is not None and _PLAIN(text) is not None:
                return text
        try:
            if moment.tzinfo is None:
                moment = self._localise(moment)
            return moment.astimezone(UTC).isoformat()
        except (OverflowError, ValueError):
            raise BadTime("is outside the years 1 to 9999") from None

    def _second_try(self, text: str) -> datetime:
        if self.format is None:
            tidy = re.sub(r"^(\d{4})/(\d\d)/(\d\d)", r"\1-\2-\3", text.strip())
            tidy = re.sub(r"\s*(UTC|GMT|Z)$", "+00:00", tidy)
            tidy = re.sub(r"\s+([+-]\d\d:?\d\d)$", r"\1", tidy)
            try:
                return datetime.fromisoformat(tidy)
            except ValueError:
                pass
        raise BadTime(
            "is empty"
            if not text.strip()
            else f"looks like '{shape(text)}', expected "
            + (f"the format {self.format} (--timestamp-format)" if self.format else "ISO 8601")
        )

    def _localise(self, moment: datetime) -> datetime:
        if self.declared is None:
            raise NaiveTime("has no time zone: declare it with --timezone (such as Europe/Amsterdam, or UTC)")
        early, late = moment.replace(tzinfo=self.declared), moment.replace(tzinfo=self.declared, fold=1)
        before, after = early.utcoffset(), late.utcoffset()
        if before > after:
            self.doubled_count += 1
        elif before < after:
            self.skipped_count += 1
        return early

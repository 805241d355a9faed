"""Everything that is derived from content in memory, so that the content itself can be dropped."""

import re
from collections import OrderedDict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from extractors.agent.vocabulary import Vocabulary
from sluice.errors import BadInput
from sluice.pseudonyms import Pseudonymiser

RULES_VERSION = 1  # raise when a rule of this package changes; files in the drop folder are then derived again

COPIES = frozenset({"copy", "cut", "copy_cell", "copy_range"})
ENTRIES = frozenset({"paste", "edit_field", "edit_cell", "edit_range", "insert_value"})
WITH_VALUE = COPIES | ENTRIES | {"select_cell", "select_range", "select_option", "double_click_cell"}

_CELL = re.compile(r"(?:.*!)?\$?([A-Z]{1,3})\$?(\d{1,7})(?::\$?([A-Z]{1,3})\$?(\d{1,7}))?")
_STEP = re.compile(r"(?:/[A-Za-z][A-Za-z0-9:_-]*(?:\[\d+\])?)+")
_SECRET = re.compile(r"passw|passcode|passphrase|kennwort|contrase|pwd|secret|\b(?:pin|tan|cvv|cvc)\b", re.IGNORECASE)
_KINDS = (
    ("date", re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?Z?)?")),
    ("email", re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")),
    ("phone", re.compile(r"\+[\d ()./-]{6,20}\d|\(\d+\)[\d ./-]{4,15}\d|(?:\d[-. ])?\d{3}[-. ]\d{3}[-. ]\d{4}")),
    ("number", re.compile(r"(?=.*\d)[-+]?(?:[$€£]\s?)?[\d.,' ]+(?:%|[$€£]|EUR|USD|GBP|CHF)?")),
    ("url", re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)),
    ("boolean", re.compile(r"true|false|yes|no|on|off", re.IGNORECASE)),
)
_BACKWARDS = timedelta(minutes=5)
_RECENT = 50
_EARLIEST, _LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def declared_zone(name: str) -> ZoneInfo:
    """The zone of naive times; raises BadInput if there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInput(
            f"SLUICE_AGENT_TIMEZONE: {name!r} is no time zone: expected an IANA name such as Europe/Berlin"
        ) from error


class Clock:
    """Reads the times of one recording, naive ones as local time of the declared zone."""

    def __init__(self, zone: ZoneInfo):
        self._zone = zone
        self._last: datetime | None = None

    def read(self, text: str) -> datetime | None:
        """A time in UTC, or None if `text` is no time between 1990 and 2200.

        In the hour that a clock change repeats, a time over 5 minutes before the previous row's is the second pass.
        """
        if len(text) > 40:
            return None
        try:
            found = datetime.fromisoformat(text.strip())
            if found.tzinfo is None:
                found = self._local(found)
            found = found.astimezone(UTC)
        except (ValueError, OverflowError):
            return None
        if not _EARLIEST <= found < _LATEST:
            return None
        self._last = found
        return found

    def _local(self, naive: datetime) -> datetime:
        first = naive.replace(tzinfo=self._zone)
        second = first.replace(fold=1)
        if (
            first.utcoffset() <= second.utcoffset()
        ):  # not repeated (a skipped time reads as if the clock had not changed)
            return first
        is_second = self._last is not None and self._last - first.astimezone(UTC) > _BACKWARDS
        return second if is_second else first


def value_kind(value: str, vocabulary: Vocabulary) -> str:
    """What kind of thing a value is; never what it says."""
    text = value.strip()[:200]
    if not text:
        return "empty"
    if vocabulary.document.fullmatch(text):
        return "document"
    return next((kind for kind, pattern in _KINDS if pattern.fullmatch(text)), "text")


def is_secret(*hints: str) -> bool:
    """Whether an element's type, name or caption says that its value is a secret."""
    return any(_SECRET.search(hint[:200]) for hint in hints if hint)


def _squeezed(value: str) -> str:
    return "".join(char for char in value.casefold() if char.isalnum())


def _is_transformed(value: str, copied: str) -> bool:
    left, right = _squeezed(value), _squeezed(copied)
    if not left or not right:
        return False
    if left == right or (min(len(left), len(right)) >= 3 and (left in right or right in left)):
        return True
    left_digits, right_digits = ("".join(char for char in side if char.isdigit()) for side in (left, right))
    if (
        len(left_digits) >= 4
        and len(right_digits) >= 4
        and (left_digits in right_digits or right_digits in left_digits)
    ):
        return True
    left_words, right_words = (set(re.findall(r"\w+", side.casefold())) for side in (value, copied))
    return 2 * len(left_words & right_words) >= max(len(left_words), len(right_words), 1)


class Clipboards:
    """The last copies of each person in a recording, to tell how a pasted or typed value relates to them."""

    def __init__(self):
        self._recent: dict[str | None, OrderedDict[str, int]] = {}

    def copied(self, person: str | None, seq: int, value: str) -> None:
        """Remember a copy; the oldest of more than 50 is forgotten."""
        recent = self._recent.setdefault(person, OrderedDict())
        recent.pop(value.strip()[:10_000], None)
        recent[value.strip()[:10_000]] = seq
        if len(recent) > _RECENT:
            recent.popitem(last=False)

    def relation(self, person: str | None, value: str) -> tuple[str, int | None]:
        """(equal | transformed | none, source_seq of the copy): equal to any recent one, made from the last."""
        recent, text = self._recent.get(person), value.strip()[:10_000]
        if not recent or not text:
            return "none", None
        if text in recent:
            return "equal", recent[text]
        last = next(reversed(recent))
        return ("transformed", recent[last]) if _is_transformed(text, last) else ("none", None)


class Values:
    """The values typed or copied in a file, as far as a label could give one away."""

    def __init__(self, values: Iterable[str] = ()):
        self._seen = {folded for value in values if 1 < len(folded := value.strip().strip('"').casefold()) <= 80}

        self.labels: dict[tuple[str, ...], str | None] = {}  # what Rules.label found in this file

    def gives_away(self, label: str) -> bool:
        """Whether a value, or a part of the label of four characters or more that is a value, stands in the label."""
        folded = label.casefold()
        if folded in self._seen:
            return True
        size = len(folded)
        return any(folded[i:j] in self._seen for i in range(size) for j in range(i + 4, size + 1))


def cell_place(address: str) -> tuple[str, int, bool] | None:
    """(columns, row, is one cell) of a spreadsheet address, or None.

    >>> cell_place("C2:F2")
    ('C:F', 2, False)
    """
    found = _CELL.fullmatch(address.strip())
    if found is None:
        return None
    first, row, last, _ = found.groups()
    return (f"{first}:{last}" if last else first), int(row), last is None


def structural_path(xpath: str) -> str:
    """An XPath of tags and positions only; any other (ids are random at each page load) is empty."""
    return xpath.strip().casefold() if _STEP.fullmatch(xpath.strip()) else ""


@lru_cache(maxsize=4096)
def page_of(url: str) -> str:
    """Host and path of an address without query, fragment and anything that holds digits or is long; empty if none."""
    try:
        parts = urlsplit(url if "//" in url[:12] else f"//{url}")
        host = parts.hostname or ""
    except ValueError:
        return ""
    steps = (
        "#" if any(char.isdigit() for char in step) or len(step) > 40 else step
        for step in parts.path.split("/")
        if step
    )
    return "/".join((host, *steps))


def address_words(url: str) -> str:
    """The parts of an address as words, to look for document numbers in."""
    return re.sub(r"[/?&=#:]+", " ", unquote(url[:4000]))


class Rules:
    """All that de-identification needs: key and person map, vocabulary, the zone of naive times."""

    def __init__(self, pseudonymiser: Pseudonymiser, vocabulary: Vocabulary, zone: ZoneInfo):
        self.vocabulary = vocabulary
        self.zone = zone
        self._pseudonymiser = pseudonymiser
        self.person = lru_cache(maxsize=10_000)(self._person)
        self.key = lru_cache(maxsize=100_000)(self._key)

    def _person(self, login: str) -> str | None:
        return self._pseudonymiser.person("desktop_login", login) if login.strip() else None

    def _key(self, kind: str, *parts: str) -> str | None:
        """A keyed hash of what must be told apart but not read; None where there is nothing to tell apart."""
        return self._pseudonymiser.opaque(kind, "\x1f".join(parts)) if any(parts) else None

    def application(self, name: str) -> str:
        """The declared name of an application, else a keyed hash that still tells it from others."""
        if not name.strip():
            return "Unknown"
        return self.vocabulary.application(name) or f"app {self.key('application', name.strip().casefold())}"

    def label(self, seen: Values, *names: str) -> str | None:
        """Declared words of the first name that has any and gives no value of the file away."""
        if names not in seen.labels:
            found = (self.vocabulary.label(name) for name in names)
            seen.labels[names] = next((one for one in found if one is not None and not seen.gives_away(one)), None)
        return seen.labels[names]

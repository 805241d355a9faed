"""XES (IEEE 1849-2016) as a stream: extensions Concept, Time, Lifecycle and Organizational, one trace in memory at a time.

An interval is two events, `start` and `complete` with one concept:instance, or one event with `start_timestamp`.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import BinaryIO

from sluice.errors import BadInput
from sluice.export.published import Attribute, Case, Event, PublishedLog

AS_EVENTS, AS_ATTRIBUTE = "events", "attribute"
INTERVALS = (AS_EVENTS, AS_ATTRIBUTE)
_EXTENSIONS = (
    ("Concept", "concept", "http://www.xes-standard.org/concept.xesext"),
    ("Time", "time", "http://www.xes-standard.org/time.xesext"),
    ("Lifecycle", "lifecycle", "http://www.xes-standard.org/lifecycle.xesext"),
    ("Organizational", "org", "http://www.xes-standard.org/org.xesext"),
)
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
# what XML 1.0 cannot hold, not even escaped: shown by its picture (U+2400 …), the two non-characters by U+FFFD
_PICTURES = {chr(code): chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n\r"}
_PICTURES |= {"\ufffe": "\ufffd", "\uffff": "\ufffd"}
_IMPOSSIBLE = re.compile("[" + "".join(map(re.escape, _PICTURES)) + "]")
_ESCAPED = str.maketrans(_ESCAPES | _PICTURES)
# the same and what they become, for PostgreSQL, whose texts hold no NUL
_DOUBTFUL = "[" + "".join(sorted((set(_PICTURES) - {"\0"}) | set(_PICTURES.values()))) + "]"


def write_xes(
    log: PublishedLog, out: BinaryIO, *, intervals: str = AS_EVENTS, told: Callable[[int], None] = lambda count: None
) -> int:
    """Write `log`; returns how many of its texts hold characters that XML cannot, written as their pictures.

    intervals: AS_EVENTS (an event with a start becomes two) or AS_ATTRIBUTE. told: called after each case with the number
    of events so far. Raises BadInput where such characters are all that tells two activities or two cases apart.
    """
    _refuse_confusion(log.process, "activities", log.activities())
    _refuse_confusion(log.process, "cases", log.case_ids_like(_DOUBTFUL))
    escape = _Escaper()
    with_instances = log.has_intervals and intervals == AS_EVENTS
    out.write(_head(log, escape).encode())
    count = 0
    for case in log.cases():
        events = _in_pairs(case.events) if with_instances else case.events
        out.write(_trace(case, events, log.attributes, escape, with_instances=with_instances).encode())
        count += len(case.events)
        told(count)
    out.write(b"</log>\n")
    return escape.pictured_count


class _Escaper(dict):
    """Text -> the same as the value of an XML attribute; remembers the few that come again and again."""

    pictured_count = 0

    def __call__(self, text: str) -> str:
        known = self.get(text)
        if known is None:
            known = text.translate(_ESCAPED)
            if _IMPOSSIBLE.search(text):
                self.pictured_count += 1
            if len(self) < 10_000:
                self[text] = known
        return known


def _refuse_confusion(process: str, what: str, names: Iterable[str]) -> None:
    written: dict[str, str] = {}
    for name in names:
        other = written.setdefault(name.translate(_ESCAPED), name)
        if other != name:
            raise BadInput(
                f"export {process}: two {what} ({other!a} and {name!a}) differ in nothing but characters that "
                "XML cannot hold: export it as CSV"
            )


def _head(log: PublishedLog, escape: _Escaper) -> str:
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<log xes.version="1849-2016" xes.features="" xmlns="http://www.xes-standard.org/">',
        *(f'<extension name="{name}" prefix="{prefix}" uri="{uri}"/>' for name, prefix, uri in _EXTENSIONS),
        '<global scope="trace"><string key="concept:name" value="__INVALID__"/></global>',
        '<global scope="event"><string key="concept:name" value="__INVALID__"/>'
        '<date key="time:timestamp" value="1970-01-01T00:00:00.000+00:00"/></global>',
        '<classifier name="Activity" keys="concept:name"/>',
        f'<string key="concept:name" value="{escape(log.title)}"/>',
    ]
    return "\n".join(lines) + "\n"


def _trace(
    case: Case, events: Iterable[Event], attributes: Sequence[Attribute], escape: _Escaper, *, with_instances: bool
) -> str:
    parts = [f'<trace>\n<string key="concept:name" value="{escape(case.case_id)}"/>\n']
    for attribute, value in zip(attributes, case.values, strict=False):
        if value is not None:
            parts.append(
                f'<{attribute.kind} key="{escape(attribute.name)}" value="{_typed(attribute, value, escape)}"/>\n'
            )
    for event in events:
        parts.append(f'<event><string key="concept:name" value="{escape(event.activity)}"/>')
        parts.append(f'<date key="time:timestamp" value="{_moment(event.occurred_at)}"/>')
        if event.started_at is not None:
            parts.append(f'<date key="start_timestamp" value="{_moment(event.started_at)}"/>')
        if event.lifecycle is not None:
            parts.append(f'<string key="lifecycle:transition" value="{escape(event.lifecycle)}"/>')
        if with_instances:
            parts.append(f'<string key="concept:instance" value="{event.seq}"/>')
        if event.resource is not None:
            parts.append(f'<string key="org:resource" value="{escape(event.resource)}"/>')
        parts.append("</event>\n")
    parts.append("</trace>\n")
    return "".join(parts)


def _in_pairs(events: Sequence[Event]) -> Iterator[Event]:
    """The events of a case with each interval as its start and its completion; starts stand where their time belongs, and
    before their own completion. Intervals of other transitions than completion keep their start as an attribute."""
    latest = list(accumulate((event.occurred_at for event in events), max))
    begun: dict[int, list[Event]] = {}
    for number, event in enumerate(events):
        if _is_interval(event):
            begun.setdefault(min(bisect_right(latest, event.started_at), number), []).append(event)
    for number, event in enumerate(events):
        for one in sorted(begun.get(number, ()), key=lambda one: (one.started_at, one.seq)):
            yield Event(one.seq, one.activity, one.started_at, None, "start", one.resource)
        if _is_interval(event):
            yield Event(
                event.seq, event.activity, event.occurred_at, None, event.lifecycle or "complete", event.resource
            )
        else:
            yield event


def _is_interval(event: Event) -> bool:
    return event.started_at is not None and (event.lifecycle or "complete").lower() == "complete"


def _moment(text: str) -> str:
    """UTC in ISO 8601, milliseconds where that is enough."""
    return f"{text[:-3] if text.endswith('000') else text}+00:00"


def _typed(attribute: Attribute, value: str, escape: _Escaper) -> str:
    if attribute.kind == "date":
        return _moment(value)
    if attribute.kind == "float":
        return value.replace("Infinity", "INF")
    return escape(value)

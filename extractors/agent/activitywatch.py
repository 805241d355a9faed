"""ActivityWatch bucket export (JSON): which window, page or editor had the focus, and when nobody was there.

Format: `{"buckets": …}` with the buckets as object or array, events newest first (README.md).
"""

import json
import math
import re
from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

from extractors.agent.deidentify import Clock, Rules, address_words, page_of
from extractors.agent.records import Action, BadRow, EmptyExport, Refused

TITLE = "an ActivityWatch export"
_LONGEST_SECONDS = 31 * 86_400
_ACTIONS = {"currentwindow": "use_window", "web.tab.current": "view_page", "app.editor.activity": "edit_file"}
_TARGETS = {
    "currentwindow": "window",
    "web.tab.current": "page",
    "app.editor.activity": "file",
    "afkstatus": "presence",
}
_PRESENCE = {"afk": "away", "not-afk": "present"}
_BROWSERS = re.compile(r"chrome|firefox|edge|opera|brave|safari")


def parse(text: str, rules: Rules) -> Iterator[Action | BadRow]:
    """The events of all buckets in the file's order, without content; Refused or EmptyExport come before the first."""
    buckets = _buckets(text)
    if not any(bucket["events"] for bucket in buckets):
        raise EmptyExport("buckets without events")
    hosts = {host for bucket in buckets if (host := _text(bucket.get("hostname"))) and host != "unknown"}
    return _actions(buckets, next(iter(hosts)) if len(hosts) == 1 else "", rules)


def _text(value: object) -> str:
    """A text of the export; half of a surrogate pair, which JSON can hold, is replaced."""
    return value.encode("utf-8", "replace").decode().strip() if isinstance(value, str) else ""


def _buckets(text: str) -> list[dict]:
    try:
        data = json.loads(text)
    except json.JSONDecodeError:
        raise Refused(
            "JSON that ends before it is complete, or is not JSON: the file is cut or damaged; export it again"
        ) from None
    except ValueError:
        raise Refused("JSON with a number too large to read; export it again") from None
    except RecursionError:
        raise Refused("JSON nested too deep: this is no export of ActivityWatch") from None
    buckets = data.get("buckets") if isinstance(data, dict) else None
    if isinstance(buckets, dict):
        buckets = [{"id": name, **bucket} if isinstance(bucket, dict) else bucket for name, bucket in buckets.items()]
    if not isinstance(buckets, list):
        raise Refused("JSON without `buckets`: unknown format; expected a bucket export of ActivityWatch")
    if any(not isinstance(bucket, dict) or not isinstance(bucket.get("events", []), list) for bucket in buckets):
        raise Refused(
            "a bucket is not an object with a list of events: unknown format; expected a bucket export of ActivityWatch"
        )
    return [{"events": [], **bucket} for bucket in buckets]


def _actions(buckets: list[dict], only_host: str, rules: Rules) -> Iterator[Action | BadRow]:
    seq = 0
    for bucket in buckets:
        clock = Clock(ZoneInfo("UTC"))
        host = _text(bucket.get("hostname"))
        host = only_host if host in ("", "unknown") else host
        kind = _text(bucket.get("type"))
        stream = {
            "person": rules.person(host),
            "stream_key": rules.key("bucket", "bucket", host, _text(bucket.get("id")), kind),
            "host_key": rules.key("host", host.casefold()),
        }
        client = _BROWSERS.search(f"{_text(bucket.get('client'))} {_text(bucket.get('id'))}".casefold())
        browser = client.group() if client else ""
        for event in bucket["events"]:
            seq += 1
            yield _action(seq, event, kind, browser, stream, clock, rules)


def _action(
    seq: int, event: object, kind: str, browser: str, stream: dict, clock: Clock, rules: Rules
) -> Action | BadRow:
    if not isinstance(event, dict):
        return BadRow(seq, "event", "the event is not an object")
    occurred_at = clock.read(_text(event.get("timestamp")))
    if occurred_at is None:
        return BadRow(seq, "time", "timestamp is no time: expected ISO 8601")
    duration = event.get("duration", 0)
    if (
        isinstance(duration, bool)
        or not isinstance(duration, int | float)
        or not math.isfinite(duration)
        or not 0 <= duration <= _LONGEST_SECONDS
    ):
        return BadRow(seq, "duration", "duration is no number of seconds between 0 and 31 days")
    data = event.get("data") if isinstance(event.get("data"), dict) else {}
    if kind == "afkstatus":
        action, application = _PRESENCE.get(_text(data.get("status")), "other"), "Operating system"
    else:
        action = _ACTIONS.get(kind, "other")
        application = rules.application(_text(data.get("app")) or browser)
    title, url = _text(data.get("title")), _text(data.get("url"))
    is_private = data.get("incognito") is True
    page = "" if is_private else page_of(url)
    return Action(
        source_seq=seq,
        line=seq,
        occurred_at=occurred_at,
        ended_at=occurred_at + timedelta(seconds=duration),
        application=application,
        action=action,
        target_kind=_TARGETS.get(kind),
        container_key=rules.key("page", page),
        document_ref=None
        if is_private
        else rules.vocabulary.document_in(title, address_words(url), _text(data.get("file"))),
        **stream,
    )

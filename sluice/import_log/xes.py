"""XES (IEEE 1849) as a stream of events: one pass, memory of one trace, exact line numbers in errors.

Read with expat, no DTD and no entity: a document that declares an entity is refused. Nested attributes
(meta-attributes) and the members of lists and containers belong to their attribute, not to the event.
"""

from dataclasses import replace
from xml.parsers import expat

from sluice.errors import BadInput
from sluice.import_log.files import LogFile
from sluice.import_log.landing import LONGEST_KEY, Landing
from sluice.import_log.mapping import Mapping
from sluice.import_log.times import BadTime, NaiveTime, TimeReader

DEEPEST = 64  # of nesting; the standard's own attributes need five
LONGEST_VALUE = 10_000_000  # bytes of one piece of markup

_ATTRIBUTES = frozenset({"string", "date", "int", "float", "boolean", "id", "list", "container"})
_TYPES = {
    "string": "text",
    "id": "text",
    "date": "timestamptz",
    "int": "bigint",
    "float": "double precision",
    "boolean": "boolean",
}


class XesReader:
    """Reads one XES file into a landing.

    After `read`: `types` (name of a case attribute -> SQL type as XES declares it), `varying` (event attributes that
    are not constant within each case), `classifiers` (name -> keys).

    Defaults of <global> apply where an attribute is missing, but never to who, when and which case: a missing resource
    stays missing, an event without time is set aside, a trace without a name too.
    """

    def __init__(
        self, file: LogFile, mapping: Mapping, times: TimeReader, landing: Landing, *, classifier: str | None = None
    ):
        self.file, self.mapping, self.times, self.landing, self.classifier = file, mapping, times, landing, classifier
        self.types: dict[str, str] = {}
        self.varying: set[str] = set()
        self.classifiers: dict[str, tuple[str, ...]] = {}
        self._tags: dict[str, str] = {}
        self._present: set[str] = set()
        self._globals: dict[str, dict[str, str]] = {"trace": {}, "event": {}}
        self._row = 0
        self._cases: set[str] = set()
        self._parser = expat.ParserCreate()

    def read(self) -> None:
        """Read the whole file; BadInput with file and line if it is no XES, or cut off."""
        parser = self._parser
        parser.ordered_attributes = True
        parser.buffer_text = True
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.EntityDeclHandler = self._refuse_entity
        parser.StartElementHandler, parser.EndElementHandler = self._start_root, None
        fed = 0
        try:
            for chunk in self.file.chunks():
                parser.Parse(chunk, False)
                fed += len(chunk)
                if fed - parser.CurrentByteIndex > LONGEST_VALUE:
                    raise self._bad(f"one value is longer than {LONGEST_VALUE // 1_000_000} MB: no event log has that")
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            reason = expat.errors.messages[error.code]
            hint = (
                "is the file cut off?"
                if reason in ("no element found", "unclosed token")
                else "is it in the encoding that it declares?"
            )
            raise BadInput(f"{self.file.path}: line {error.lineno}: is no well-formed XML ({reason}): {hint}") from None
        except (LookupError, ValueError) as error:  # an encoding that nobody knows
            raise BadInput(
                f"{self.file.path}: line 1: the declared encoding cannot be read ({error}): save the log as UTF-8"
            ) from None

    def _bad(self, reason: str) -> BadInput:
        return BadInput(f"{self.file.path}: line {self._parser.CurrentLineNumber}: {reason}")

    def _refuse_entity(self, *declaration: object) -> None:
        raise self._bad("declares an XML entity; event logs need none, and they can be an attack: refused")

    def _start_root(self, tag: str, attributes: list[str]) -> None:
        if tag.rsplit(":", 1)[-1] != "log":
            raise self._bad(f"the root element is <{tag[:50]}>, expected <log>: is this an XES file?")
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._handlers()

    def _handlers(self):
        parser, landing, mapping, tags = self._parser, self.landing, self.mapping, self._tags
        write, read_time, person, reject = landing.write, self.times.read, landing.person, landing.reject
        globals_, counts = self._globals, landing.found.counts
        depth, scope, started_line = 1, None, 0
        event: dict[str, str | None] = {}  # what plays a part, and the other attributes
        other: dict[str, str] = {}
        trace: dict[str, str] = {}
        constant: dict[str, str] = {}
        pending: list[tuple] = []
        varying, used, present = self.varying, mapping.used(), self._present
        activity_keys = self._activity_keys()
        single = activity_keys[0] if len(activity_keys) == 1 else None
        event_defaults = globals_["event"]

        def start(tag: str, at: list[str]) -> None:
            nonlocal depth, scope, started_line, activity_keys, single
            depth += 1
            if depth == 4 and scope == "event":
                key, value = (at[1], at[3]) if len(at) == 4 and at[0] == "key" and at[2] == "value" else _key_value(at)
                if key in used:
                    event[key] = value
                elif key is not None and value is not None:
                    other[key] = value
                    if tags.setdefault(key, tag) != tag:
                        tags[key] = "string"
                return
            if ":" in tag:
                tag = tag.rsplit(":", 1)[1]
            if depth == 2:
                if tag == "trace":
                    if self.classifier and self.classifier not in self.classifiers:
                        known = ", ".join(f"'{name}'" for name in self.classifiers) or "none"
                        raise self._bad(
                            f"--classifier '{self.classifier}': the log declares no such one; it declares {known}"
                        )
                    scope = "trace"
                    trace.clear(), constant.clear(), pending.clear()
                    counts["traces"] += 1
                    started_line = parser.CurrentLineNumber
                elif tag == "event":
                    self._row += 1
                    set_aside("event_without_case", "stands outside a trace")
                elif tag == "global":
                    scope = dict(zip(at[::2], at[1::2], strict=True)).get("scope", "event")
                    scope = f"global {scope}"
                elif tag == "classifier":
                    self._classifier(dict(zip(at[::2], at[1::2], strict=True)))
                    activity_keys = self._activity_keys()
                    used.update(activity_keys)
                    single = activity_keys[0] if len(activity_keys) == 1 else None
            elif depth == 3:
                if scope == "trace":
                    if tag == "event":
                        scope = "event"
                        event.clear()
                        other.clear()
                        return
                    key, value = _key_value(at)
                    if key is not None and value is not None and tag in _ATTRIBUTES:
                        trace.setdefault(key, value)
                        self._type(key, tag)
                elif scope in ("global trace", "global event"):
                    key, value = _key_value(at)
                    if key is not None and value is not None:
                        globals_[scope[7:]][key] = value
                        if scope == "global trace":
                            self._type(key, tag)
            elif depth > DEEPEST:
                raise self._bad(f"elements are nested more than {DEEPEST} deep: no event log needs that")

        def set_aside(check: str, reason: str) -> None:
            reject(self._row, check, f"line {parser.CurrentLineNumber}: the event {reason}")

        def end(tag: str) -> None:
            nonlocal depth, scope
            depth -= 1
            if depth > 2:
                return
            if depth == 2 and scope == "event":
                scope = "trace"
                self._row = row = self._row + 1
                activity = event.get(single) if single is not None else _joined(event, activity_keys, event_defaults)
                if activity is None and single is not None:
                    activity = event_defaults.get(single)
                if not activity:
                    return set_aside("event_without_activity", f"has no {' + '.join(activity_keys)}")
                if len(activity) > LONGEST_KEY:
                    return set_aside("activity_too_long", f"has an activity of more than {LONGEST_KEY} characters")
                time = event.get(mapping.timestamp)
                if time is None:
                    return set_aside("event_without_time", f"has no {mapping.timestamp}")
                try:
                    time = read_time(time)
                    begun = event.get(mapping.start)
                    begun = read_time(begun) if begun else None
                except NaiveTime as error:
                    raise self._bad(f"{mapping.timestamp} {error}") from None
                except BadTime as error:
                    return set_aside("bad_time", f"has a {mapping.timestamp} that {error}")
                who = event.get(mapping.resource)
                lifecycle = event.get(mapping.lifecycle)
                if lifecycle is None:
                    lifecycle = event_defaults.get(mapping.lifecycle)
                elif len(lifecycle) > LONGEST_KEY:
                    return set_aside(
                        "lifecycle_too_long", f"has a lifecycle transition of more than {LONGEST_KEY} characters"
                    )
                pending.append(
                    (row, activity, time, begun, lifecycle, person(who) if who else None, event.get(mapping.instance))
                )
                if len(present) < len(used):
                    present.update(event)
                for key, value in other.items():
                    if key not in varying and constant.setdefault(key, value) != value:
                        varying.add(key)
            elif depth == 1:
                if scope == "trace":
                    finish()
                scope = None

        def finish() -> None:
            case = trace.get(mapping.case)
            if not case or len(case) > LONGEST_KEY:
                why = (
                    f"has no {mapping.case}"
                    if not case
                    else f"has a {mapping.case} of more than {LONGEST_KEY} characters"
                )
                for row, *_ in pending:
                    reject(row, "event_without_case", f"the trace of line {started_line} {why}")
                return
            if not pending:
                counts["empty traces"] += 1
                return
            case = landing.case(mapping.case, case)
            if case in self._cases:
                counts["traces with the name of an earlier one"] += 1
            self._cases.add(case)
            values = {key: value for key, value in constant.items() if key not in varying and key not in trace}
            values.update(globals_["trace"])
            values.update(trace)
            values.pop(mapping.case, None)
            facts = landing.attributes(values)
            for row, activity, time, begun, lifecycle, who, instance in pending:
                write((row, case, activity, time, begun, lifecycle, who, instance, facts))
                facts = None

        return start, end

    def _activity_keys(self) -> tuple[str, ...]:
        return (
            self.classifiers.get(self.classifier, self.mapping.activity) if self.classifier else self.mapping.activity
        )

    def _classifier(self, at: dict[str, str]) -> None:
        keys = at.get("keys", "")
        # keys are separated by blanks; a key with a blank stands in quotes
        parts = keys.split("'")
        names = [name for number, part in enumerate(parts) for name in ([part] if number % 2 else part.split())]
        self.classifiers[at.get("name", "")] = tuple(names)

    def _type(self, key: str, tag: str) -> None:
        kind = _TYPES.get(tag, "text")
        if self.types.setdefault(key, kind) != kind:
            self.types[key] = "text"

    def mapping_found(self) -> Mapping:
        """The mapping without the parts that no event has."""
        absent = {
            part: None
            for part in ("start", "resource", "lifecycle", "instance")
            if getattr(self.mapping, part) not in self._present
        }
        return replace(self.mapping, activity=self._activity_keys(), **absent)

    def case_attributes(self) -> dict[str, str]:
        """Name -> SQL type of the attributes of the case: the traces' own, and the events' that never vary."""
        found = {name: kind for name, kind in self.types.items() if name != self.mapping.case}
        for name, tag in self._tags.items():
            if name not in found and name not in self.varying:
                found[name] = _TYPES.get(tag, "text")
        return found


def _key_value(at: list[str]) -> tuple[str | None, str | None]:
    named = dict(zip(at[::2], at[1::2], strict=True))
    return named.get("key"), named.get("value")


def _joined(event: dict[str, str], keys: tuple[str, ...], defaults: dict[str, str]) -> str | None:
    values = [event.get(key, defaults.get(key)) for key in keys]
    return None if all(value is None for value in values) else "+".join(value or "" for value in values)

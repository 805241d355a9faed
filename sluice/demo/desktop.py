"""The desks: what desktop agents record of the day's work at the times of the ERP's events, and the e-mail between."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from random import Random

from sluice.demo import activitywatch, routines, rpa_logger, smartrpa
from sluice.demo.activitywatch import Block
from sluice.demo.calendar import CLOSES, OPENS, day_number
from sluice.demo.company import Person
from sluice.demo.world import Case, World

WATCHED_FROM = date(2025, 6, 2)  # since then ActivityWatch runs
BAD_LINES = (
    '"not a time","somebody","Chrome","clickButton"',
    '"2025-99-99T99:99:99Z"' + ',"x"' * 3 + ',""' * 16,
    '"2025-07-01T10:00:00.000Z","x","Chrome",""' + ',""' * 16,
)
TOPICS = ("delivery date", "price question", "missing goods", "address of the bill", "partial delivery", "discount")


class Desks:
    """Collects recorded actions, day by day, until they are written to files."""

    def __init__(self, world: World, windows: Mapping[str, dict[str, list[dict]]] | None = None) -> None:
        self.world = world
        staff = world.company.staff
        self.watched = [*staff["ap"], *staff["buyer"][:3], staff["approver"][0]]
        self.rpa: dict[str, list[dict[str, str]]] = defaultdict(list)
        self.smart: dict[str, list[dict[str, str]]] = defaultdict(list)
        self.windows: dict[str, dict[str, list[dict]]] = dict(windows or {})
        self._busy: dict[int, list[Block]] = defaultdict(list)

    @property
    def cumulative_host(self) -> str:
        """The workstation whose exports always begin at the first day."""
        return activitywatch.hostname(self.watched[0])

    @property
    def cumulative_windows(self) -> dict[str, dict[str, list[dict]]]:
        """All that this workstation has recorded: what `windows` must hold on the next day."""
        return {host: events for host, events in self.windows.items() if host == self.cumulative_host}

    def day(self, day: date) -> None:
        """Turn the day's recorded steps into desktop actions."""
        world, midnight = self.world, day_number(day) * 86400
        self._busy.clear()
        steps = [
            step
            for step in sorted(world.desktop, key=lambda step: (step[0], step[3]))
            if step[0] // 86400 == midnight // 86400
        ]
        world.desktop.clear()
        for at, kind, person, document, case, extra in steps:
            rng = world.rng("desk", kind, document)
            if kind == "post_bill":
                self._post_bill(rng, at, person, document, case, extra)
            elif kind in ("create_rfq", "quote"):
                self._smart(rng, at, person, kind, document, case)
            elif kind == "approve":
                self._reserve(person, at, rng.uniform(60, 240), kind, document, case.data["supplier"].name)
        if day < WATCHED_FROM or not world.calendar.is_workday(day):
            return
        if world.plant["email_without_event"]:
            for at, kind, person, document, case, _ in steps:
                if kind == "send_rfq" or (kind == "post_bill" and case.number % 3 == 0):
                    self._emails(world.rng("mail", document), at, midnight, person, case)
        for person in self.watched:
            rng = world.rng("inbox", person.user_id, day)
            for _ in range(2 + int(rng.random() * 3)):
                start = midnight + OPENS + rng.random() * (CLOSES - OPENS - 1200)
                self._reserve(person, start + (length := rng.uniform(120, 700)), length, "inbox", "", person.email)
            of_day = activitywatch.day_events(rng, midnight, self._busy[person.user_id])
            kept = self.windows.setdefault(activitywatch.hostname(person), {kind: [] for kind in of_day})
            for kind, events in of_day.items():
                kept[kind] += events

    def _reserve(
        self, person: Person, end: float, seconds: float, kind: str, document: str, about: str
    ) -> float | None:
        """The start of a piece of work that ends at `end`: later if the person was busy; None if no time is left."""
        start = end - seconds
        for block in self._busy[person.user_id]:
            if block.start < end and block.end > start:
                if block.end > end - 20:
                    return None
                start = max(start, block.end + 1)
        self._busy[person.user_id].append(Block(start, end, kind, document, about))
        return start

    def _post_bill(self, rng: Random, at: int, person: Person, document: str, case: Case, bill: object) -> None:
        world = self.world
        imported = world.plant["fast_clerk"] and person is world.company.fast_clerk
        way = "imported" if imported else "copied" if world.plant["copy_paste_posting"] else "typed"
        steps = routines.post_bill(world, rng, case, bill, at, way)
        paces = [step[0] * rng.uniform(0.6, 1.6) for step in steps]
        start = self._reserve(person, at, sum(paces), "post_bill", document, case.data["supplier"].name)
        if start is None:
            return
        for clock, (_, app, event, fields) in zip(_clock(start, at, paces), steps, strict=True):
            user = "" if app == "OS-Clipboard" else person.desktop
            self.rpa[person.desktop].append(rpa_logger.row(clock, user, app, event, **fields))
        world.measures.values[f"posting_seconds_{way}"].append(at - start)
        world.measures.counts["posting_actions_recorded"] += len(steps)

    def _smart(self, rng: Random, at: int, person: Person, kind: str, document: str, case: Case) -> None:
        steps = routines.create_rfq(rng, case) if kind == "create_rfq" else routines.quote(rng, case)
        paces = [step[0] * rng.uniform(0.6, 1.6) for step in steps]
        partner = case.data["supplier" if kind == "create_rfq" else "customer"]
        start = self._reserve(person, at, sum(paces), kind, document, partner.name)
        if start is not None:
            for clock, (_, category, app, event, fields) in zip(_clock(start, at, paces), steps, strict=True):
                self.smart[person.desktop].append(smartrpa.row(clock, person.desktop, category, app, event, **fields))

    def _emails(self, rng: Random, at: int, midnight: int, person: Person, case: Case) -> None:
        for _ in range(1 + int(rng.random() * 3)):
            length = rng.uniform(180, 1100)
            end = at + rng.uniform(600, 14_000) + length
            if end > midnight + CLOSES or person not in self.watched:
                continue
            start = self._reserve(
                person, end, length, "email", case.data["name"], f"{rng.choice(TOPICS)} {case.data['supplier'].name}"
            )
            if start is not None:
                self.world.measures.values["email_without_event_seconds"].append(end - start)

    def write(self, folder: Path, scratch: Path, day: date, *, is_first: bool) -> list[str]:
        """Write the day's exports (of the whole history, if it is the first time) and return their names."""
        if not self.world.calendar.is_workday(day):
            return []
        names, bad = [], [] if is_first or not self.world.plant["bad_rows"] else BAD_LINES
        watched_from = day_number(WATCHED_FROM) * 86400 + OPENS

        def place(name: str, writer, *args, **options) -> None:
            writer(scratch / name, *args, **options)
            (scratch / name).replace(folder / name)
            names.append(name)

        for user, rows in sorted(self.rpa.items()):
            place(f"rpa_{user}_{day}.csv", rpa_logger.write, rows, bad_lines=bad)
            bad = []
        for user, rows in sorted(self.smart.items()):
            place(f"smartrpa_{user}_{day}.csv", smartrpa.write, rows)
        for n, (host, events) in enumerate(sorted(self.windows.items())):
            if is_first and host == self.cumulative_host and events["currentwindow"]:
                events = events | {"currentwindow": _cut(events["currentwindow"])}
            place(
                f"activitywatch_{host}_{day}.json",
                activitywatch.write,
                host,
                events,
                created=watched_from,
                as_array=n % 4 == 3,
            )
        return names


def _clock(start: float, end: float, paces: list[float]) -> list[float]:
    """Times of the actions: the last at `end`, all in proportion to their paces."""
    scale, clock, times = (end - start) / sum(paces), start, []
    for pace in paces:
        clock += pace * scale
        times.append(clock)
    return times


def _cut(events: list[dict]) -> list[dict]:
    """The events as exported while the longest of the last three was still going on."""
    place = max(range(max(0, len(events) - 3), len(events)), key=lambda n: events[n]["duration"])
    running = events[place]
    return [*events[:place], running | {"duration": round(running["duration"] / 2, 3)}]

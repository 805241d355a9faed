"""The simulated company at work: documents, change log and clock. Everything follows from the seed and the switches.

Cases are planned when they begin; their steps wait in buckets, one per day, and a day is worked through in time order.
So only open cases are in memory, and message ids grow with time as Odoo's do.
"""

import random
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from datetime import date

from sluice.demo.calendar import Stamps, WorkCalendar, day_number
from sluice.demo.company import FIELDS, Company, Person
from sluice.demo.forms import Form, Forms
from sluice.demo.plants import Measures, switches
from sluice.demo.tables import NULL, Batch, Schema

NOTE = 2
_FIELD_IDS = {key: str(number) for key, (number, _, _) in FIELDS.items()}


class Case:
    """One purchase order, sales order or lead, with the rows of all its documents until they are written."""

    __slots__ = ("bad", "data", "docs", "number", "open_steps", "place")

    def __init__(self, number: int) -> None:
        self.number = number
        self.docs: list[tuple[Form, list]] = []
        self.data: dict[str, object] = {}
        self.open_steps = 0
        self.place: int | None = None  # where the company's memory keeps it
        self.bad: str | None = None


Step = Callable[["World", Case, int, Person, object], None]


class Series(dict):
    """The next numbers of Odoo's sequences: division `place` of `of` has every of-th number, behind where it begins."""

    def __init__(self, begin: Mapping[object, int], place: int, of: int) -> None:
        self.step, self._before = of, place + 1 - of
        super().__init__({key: last + self._before for key, last in begin.items()})

    def __missing__(self, key: object) -> int:
        return self._before

    def next(self, key: object) -> int:
        """Draw the next number."""
        self[key] = number = self[key] + self.step
        return number


class World:
    """State of the simulation: `batch` collects rows, `truth` a day's events, `desktop` the work to be recorded.

    A large company is made of several worlds, its divisions: each has every `divisions`-th case and number. Desktop
    work is recorded, and bad rows are planted, in the first.
    """

    def __init__(
        self,
        *,
        cases: int,
        seed: int,
        plant: Mapping[str, bool | int] | None = None,
        desktop_limit: int = 2000,
        division: int = 0,
        divisions: int = 1,
    ) -> None:
        self.seed, self.plant = seed, switches(plant)
        self.division, self.divisions = division, divisions
        self.cases = (cases - division + divisions - 1) // divisions
        self.company = Company(seed)
        self.calendar = WorkCalendar()
        self.schema = Schema()
        self.forms = Forms()
        self.batch = Batch(self.schema)
        self.messages, self.changes = self.batch.lines["mail_message"], self.batch.lines["mail_tracking_value"]
        self.stamps = Stamps()
        self.stamp = self.stamps.stamp
        self.measures = Measures()
        self.truth: list[tuple[int, str, str, str, str, str]] = []
        self.gone: set[tuple[str, str, str]] = set()  # (process, case_id, document or '*') that truth loses
        self.desktop: list[tuple] = []
        self.desktop_share = 0.0 if division else min(1.0, desktop_limit / max(self.cases, 1))
        self.begun: Counter[str] = Counter()  # kind of case -> how many were planned
        self.buckets: dict[int, list] = defaultdict(list)
        self.touched: dict[int, Case] | None = None  # set while a single day is worked: all cases of that day
        self.recalled: list[Case] = []  # cases of earlier days that this one may touch
        self.ids = Series({"mail_message": 1300, "mail_tracking_value": 40}, division, divisions)
        self.numbers = Series({}, division, divisions)
        self.recent_cancelled: deque[Case] = deque(maxlen=3)
        self.recent_dropped_bills: deque[tuple] = deque(maxlen=3)
        self.bad_left = 0 if division else int(self.plant["bad_rows"])
        self.order = 0
        self.places = 0  # places taken in the company's memory
        self.is_late = False  # set while an order is planned that becomes visible a day after it was made

    def rng(self, *key: object) -> random.Random:
        """A random generator of its own for `key`."""
        seed = f"{self.seed}/{self.division}" if self.division else self.seed
        return random.Random(f"{seed} {' '.join(map(str, key))}")

    # clock ---------------------------------------------------------------------------------------------------------

    def at(
        self, case: Case, time: int, step: Step, person: Person, argument: object = None, *, day: int | None = None
    ) -> None:
        """Let `step` happen at `time` (seconds since 1970); `day`: the day on which it becomes visible, if later."""
        self.order += 1
        case.open_steps += 1
        self.buckets[time // 86400 if day is None else day].append((time, self.order, step, case, person, argument))

    def work_day(self, day: date) -> None:
        """Everything that happens on `day`, in time order; steps may add further steps of the same day."""
        bucket = self.buckets[day_number(day)]
        done = 0
        while done < len(bucket):
            bucket[done:] = sorted(bucket[done:], key=_when)
            size = len(bucket)
            while done < size and len(bucket) == size:
                time, _, step, case, person, argument = bucket[done]
                done += 1
                step(self, case, time, person, argument)
                case.open_steps -= 1
                if self.touched is not None:
                    self.touched[id(case)] = case
                elif not case.open_steps:
                    self.write(case)
        del self.buckets[day_number(day)]

    def write(self, case: Case) -> None:
        """Hand the case's rows to the batch."""
        lines = self.batch.lines
        for form, row in case.docs:
            lines[form.table].append(form.template % tuple(row))

    def open_cases(self) -> list[Case]:
        """Cases that have steps left, in a fixed order."""
        found = {id(step[3]): step[3] for _, bucket in sorted(self.buckets.items()) for step in bucket}
        return [case for case in found.values() if case.docs]

    def let_go(self) -> None:
        """Drop all cases; what they did that day stays in `truth` and `gone`."""
        self.buckets.clear()
        self.touched, self.recalled = None, []
        self.recent_cancelled.clear()
        self.recent_dropped_bills.clear()

    def make_bad(self, case: Case, name: str) -> None:
        """Spoil this case's timestamps if the switch `bad_rows` asks for more of them and its turn has come."""
        if self.bad_left and case.number >= self.cases * self.divisions * 2 // 5:
            case.bad = ("future", "backwards")[self.bad_left % 2]
            self.bad_left -= 1
            self.measures.bad.append((name, case.bad))

    def record(self, case: Case, at: int, kind: str, person: Person, document: str, extra: object = None) -> None:
        """Let the desktop agents see the work behind a step, for the share of the cases that is recorded."""
        if case.number * 2654435761 % 4294967296 < self.desktop_share * 4294967296:
            self.desktop.append((at, kind, person, document, case, extra))

    # rows ----------------------------------------------------------------------------------------------------------

    def next_id(self, table: str) -> int:
        """The next id of a table."""
        ids = self.ids
        ids[table] = number = ids[table] + ids.step
        return number

    def next_number(self, key: object) -> int:
        """The next number of one of Odoo's document sequences."""
        return self.numbers.next(key)

    def message(
        self,
        model: str,
        res_id: int,
        subtype: int,
        time: int,
        person: Person,
        body: str = "",
        *,
        subject: str = NULL,
        kind: str = "notification",
        shown: int | None = None,
    ) -> int:
        """A mail_message, as Odoo posts it on a document; returns its id. `shown`: a wrong date (bad rows only)."""
        number = self.ids["mail_message"] = self.ids["mail_message"] + self.divisions
        when = self.stamp(time)
        date_ = when if shown is None else self.stamp(shown)
        self.messages.append(
            f"{number}\t{res_id}\t{subtype}\t{person.by}\t{subject}\t{model}\t{kind}\t{person.sender}\t\\N\t\\N\t"
            f"<{number}.{time}@demo>\t\\N\t{body}\t\\N\t{date_}\t{date_}\t{when}"
        )
        return number

    def track(
        self,
        message: int,
        model: str,
        field: str,
        time: int,
        person: Person,
        *,
        old: str = NULL,
        new: str = NULL,
        old_int: object = NULL,
        new_int: object = NULL,
        old_float: object = NULL,
        new_float: object = NULL,
        old_time: str = NULL,
        new_time: str = NULL,
        currency: object = NULL,
        old_text: str = NULL,
        new_text: str = NULL,
    ) -> None:
        """A mail_tracking_value: one changed field of a message."""
        number = self.ids["mail_tracking_value"] = self.ids["mail_tracking_value"] + self.divisions
        when = self.stamp(time)
        user = person.user_id
        self.changes.append(
            f"{number}\t{_FIELD_IDS[model, field]}\t{old_int}\t{new_int}\t{currency}\t{message}\t{user}\t{user}\t"
            f"{old}\t{new}\t{old_text}\t{new_text}\t{old_time}\t{new_time}\t{when}\t{when}\t{old_float}\t{new_float}"
        )

    def event(self, process: str, case_id: str, document: str, activity: str, time: int, person: Person) -> None:
        """An event of the truth file."""
        self.truth.append((time, process, case_id, document, activity, person.login))


def _when(step: tuple) -> tuple[int, int]:
    return step[0], step[1]

"""A reader that looks at `bi` all the time and writes down what it saw, to be judged when it is known what there was."""

import hashlib
import random
import threading
import time
from dataclasses import dataclass, field

import psycopg

# views that show a process row by row or in sum; event log and mining tables both
VIEWS = (
    "processes",
    "process_kpis",
    "events",
    "cases",
    "case_kpis",
    "variants",
    "dfg",
    "edge_occurrences",
    "activity_kpis",
    "start_activities",
    "end_activities",
    "throughput_by_week",
    "rework",
    "order_ties",
    "suppressions",
    "activities",
)
_VOLATILE = ("run_id", "loaded_at", "first_seen_at")


def look(db: psycopg.Connection, process: str, view: str) -> str:
    """What the view shows of the process, as a hash of its rows."""
    query = f"""select md5(coalesce(string_agg(line, e'\\n' order by line collate "C"), ''))
                from (select (to_jsonb(v) - %s::text[])::text as line from bi.{view} as v where process = %s) as rows"""
    return db.execute(query, (list(_VOLATILE), process)).fetchone()[0]


def signature(db: psycopg.Connection, process: str) -> dict[str, str]:
    """Every view's hash; in one transaction of the caller's."""
    return {view: look(db, process, view) for view in VIEWS}


def state(url: str, process: str) -> dict[str, str]:
    """What a reader sees now, in one snapshot."""
    with psycopg.connect(url) as db:
        db.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        return signature(db, process)


@dataclass
class Seen:
    """Distinct observations, in the order of their first time: whole snapshots, and single views one after another."""

    snapshots: list[dict[str, str]] = field(default_factory=list)
    views: list[tuple[str, str]] = field(default_factory=list)
    count: int = 0


class Reader:
    """Polls the views of the processes in two ways until it is stopped: several views in one REPEATABLE READ transaction
    (with pauses, so that publications fall between them), and views one by one."""

    def __init__(self, url: str, processes: tuple[str, ...], seed: int) -> None:
        self.url, self.processes, self.random = url, processes, random.Random(seed)
        self.errors: list[str] = []
        self.total = 0
        self._seen = {process: Seen() for process in processes}
        self._lock, self._done = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)

    def __enter__(self) -> "Reader":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join(60)

    def take(self, process: str) -> Seen:
        """What was seen of the process since the last time."""
        with self._lock:
            seen, self._seen[process] = self._seen[process], Seen()
        return seen

    def _poll(self) -> None:
        while not self._done.is_set():
            try:
                with psycopg.connect(self.url) as whole, psycopg.connect(self.url, autocommit=True) as single:
                    whole.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                    while not self._done.wait(0.02):
                        self._look(whole, single, self.random.choice(self.processes))
            except psycopg.OperationalError as error:
                if not self._done.is_set():
                    self.errors.append(str(error))
                    time.sleep(0.2)

    def _look(self, whole: psycopg.Connection, single: psycopg.Connection, process: str) -> None:
        with self._lock, whole.transaction():
            shown = {}
            for view in self.random.sample(VIEWS, len(VIEWS)):
                shown[view] = look(whole, process, view)
                if self.random.random() < 0.2:
                    time.sleep(self.random.uniform(0, 0.05))
            seen = self._seen[process]
            seen.count += 1
            self.total += 1
            if not seen.snapshots or seen.snapshots[-1] != shown:
                seen.snapshots.append(shown)
            for view in self.random.sample(VIEWS, 4):
                found = (view, look(single, process, view))
                if found not in seen.views[-len(VIEWS) :]:
                    seen.views.append(found)


def judge(seen: Seen, states: list[dict[str, str]]) -> list[str]:
    """Lines about what must not have been seen: anything but one of `states`, whole, in their order."""
    wrong, position = [], 0
    for number, shown in enumerate(seen.snapshots):
        fitting = [index for index in range(position, len(states)) if states[index] == shown]
        if fitting:
            position = fitting[0]
            continue
        parts = [[view for view in VIEWS if shown[view] == known[view]] for known in states]
        kind = "went back" if shown in states else "a mixture" if all(parts) else "an unknown state"
        wrong.append(
            f"snapshot {number}: {kind}; views like each state: {[len(part) for part in parts]} of {len(VIEWS)}"
        )
    last: dict[str, int] = {}
    for view, shown in seen.views:
        fitting = [index for index in range(last.get(view, 0), len(states)) if states[index][view] == shown]
        if fitting:
            last[view] = fitting[0]
        else:
            wrong.append(f"view {view}: neither the state before nor the state after, or it went back")
    return wrong


def fingerprint(parts: dict[str, str]) -> str:
    """A state in one short word, for a log."""
    return hashlib.sha256("".join(parts[view] for view in VIEWS).encode()).hexdigest()[:8]

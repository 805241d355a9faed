"""Repeated sequences of desktop actions: contiguous, happening again and again, by several people.

A first version of routine discovery. All frequent sequences are counted level by level (a sequence can only be
frequent if its prefix is: Agrawal and Srikant 1994); of those, a set that explains the recording best is chosen
greedily: each time the one that saves most, (length - 1) * occurrences - length, the symbols that replacing each
occurrence by one symbol and noting the sequence once would save (as in Larsson and Moffat's Re-Pair, 1999). No action
belongs to two occurrences. Not found: routines with gaps or with steps in varying order.
"""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass

import narwhals as nw
import numpy as np

from mining_tasks.durations import MEDIAN, summarise_durations
from mining_tasks.frames import collected, ratio
from sluice.keys import variant_id


@dataclass(frozen=True)
class RepeatedSequences:
    """sequences: sorted by `rank` (most total time first): `sequence_id`, `rank`, `step_count`, `occurrence_count`,
    `session_count`, `person_count`, `action_count`, `action_share`, `total_seconds`, `mean_seconds`, `median_seconds`.
    steps: sequence_id -> its steps in order. occurrences: `sequence_id`, `case_key`, `event_seq` (of its first action).
    """

    sequences: nw.DataFrame
    steps: Mapping[str, tuple[str, ...]]
    occurrences: nw.DataFrame


@dataclass(frozen=True)
class _Recording:
    """All actions in order, as arrays; `start` counts the counted time before each action."""

    steps: np.ndarray
    sessions: np.ndarray
    persons: np.ndarray
    has_person: np.ndarray
    time_before: np.ndarray


def discover_repeated_sequences(
    actions: nw.DataFrame,
    *,
    min_occurrences: int = 3,
    min_persons: int = 1,
    min_length: int = 2,
    max_length: int = 25,
    max_sequences: int = 100,
) -> RepeatedSequences:
    """The sequences of `min_length` to `max_length` actions that happen at least `min_occurrences` times, without
    overlaps, done by at least `min_persons` persons; at most `max_sequences`, the most telling first.

    actions: as in `mining_tasks.desktop`. A sequence that is another one twice or more in a row is left to that other
    one, and one of a single repeated action is none. Seconds: the counted time of an occurrence's actions.
    """
    if isinstance(actions, nw.LazyFrame):
        actions = actions.collect()
    actions = actions.sort("case_key", "event_seq")
    names = sorted(set(actions["step"].to_list()))
    number = {name: index for index, name in enumerate(names)}
    recording = _recording(actions, number)
    grams = _frequent(recording, min_occurrences, min_persons, min_length, max_length)
    chosen = _choose(recording, grams, min_occurrences, min_persons, max_sequences)
    steps = {}
    rows: dict[str, list] = {"sequence_id": [], "_row": [], "step_count": []}
    for gram, starts in chosen:
        labels = tuple(names[code] for code in gram)
        identity = variant_id(labels)
        steps[identity] = labels
        rows["sequence_id"] += [identity] * len(starts)
        rows["step_count"] += [len(gram)] * len(starts)
        rows["_row"] += starts
    occurrences = nw.from_dict(
        rows,
        schema={"sequence_id": nw.String(), "_row": nw.Int64(), "step_count": nw.Int64()},
        backend=actions.implementation,
    )
    return _summarised(actions, recording, occurrences, steps)


def _recording(actions: nw.DataFrame, number: Mapping[str, int]) -> _Recording:
    persons = actions["resource_key"]
    return _Recording(
        steps=np.fromiter((number[name] for name in actions["step"].to_list()), dtype=np.int64, count=len(actions)),
        sessions=actions["case_key"].to_numpy().astype(np.int64),
        persons=persons.fill_null(0).to_numpy().astype(np.int64),
        has_person=~persons.is_null().to_numpy().astype(bool),
        time_before=np.concatenate([[0], np.cumsum(actions["counted_us"].to_numpy().astype(np.int64))]).astype(
            np.int64
        ),
    )


def _frequent(
    recording: _Recording, min_occurrences: int, min_persons: int, min_length: int, max_length: int
) -> list[tuple[tuple[int, ...], np.ndarray]]:
    """Every frequent sequence with the rows that it starts at, overlapping ones included."""
    steps, sessions = recording.steps, recording.sessions
    starts, codes = np.arange(len(steps)), steps
    found = []
    for length in range(1, max_length + 1):
        if length > 1:
            ends = starts + length - 1
            inside = ends < len(steps)
            starts, codes, ends = starts[inside], codes[inside], ends[inside]
            same = sessions[starts] == sessions[ends]
            starts, codes, ends = starts[same], codes[same], ends[same]
            codes = codes * (int(steps.max(initial=0)) + 1) + steps[ends]
        if not len(starts):
            break
        _, codes = np.unique(codes, return_inverse=True)
        order = np.argsort(codes, kind="stable")
        groups = np.split(starts[order], np.flatnonzero(np.diff(codes[order])) + 1)
        keep = [
            index
            for index, rows in enumerate(groups)
            if len(rows) >= min_occurrences and _person_count(recording, rows) >= min_persons
        ]
        kept = np.isin(codes, keep)
        starts, codes = starts[kept], codes[kept]
        if length >= min_length:
            for index in keep:
                gram = tuple(int(code) for code in steps[groups[index][0] : groups[index][0] + length])
                if not _is_repetition(gram):
                    found.append((gram, groups[index]))
    return found


def _is_repetition(gram: tuple[int, ...]) -> bool:
    """Whether the sequence begins with some shorter one twice in a row that goes on to its end."""
    return any(gram[period:] == gram[:-period] for period in range(1, len(gram) // 2 + 1))


def _person_count(recording: _Recording, rows: np.ndarray) -> int:
    return len(np.unique(recording.persons[rows][recording.has_person[rows]]))


def _choose(
    recording: _Recording,
    grams: list[tuple[tuple[int, ...], np.ndarray]],
    min_occurrences: int,
    min_persons: int,
    max_sequences: int,
) -> list[tuple[tuple[int, ...], list[int]]]:
    """Greedily the sequence that saves most, over the actions that no earlier one took."""
    covered = np.zeros(len(recording.steps) + 1, dtype=np.int64)  # prefix sums of taken actions
    taken = np.zeros(len(recording.steps), dtype=bool)
    waiting = [(-_saving(len(gram), len(rows)), gram, index) for index, (gram, rows) in enumerate(grams)]
    heapq.heapify(waiting)
    chosen = []
    while waiting and len(chosen) < max_sequences:
        bound, gram, index = heapq.heappop(waiting)
        rows = grams[index][1]
        free = _apart(rows[covered[rows + len(gram)] == covered[rows]], len(gram))
        saving = _saving(len(gram), len(free))
        is_enough = (
            len(free) >= min_occurrences and _person_count(recording, np.array(free, dtype=np.int64)) >= min_persons
        )
        if saving <= 0 or not is_enough:
            continue  # only shrinks from here on
        if -saving > bound and waiting and (-saving, gram) > waiting[0][:2]:
            heapq.heappush(waiting, (-saving, gram, index))
            continue
        chosen.append((gram, free))
        for row in free:
            taken[row : row + len(gram)] = True
        covered[1:] = np.cumsum(taken)
    return chosen


def _saving(length: int, occurrences: int) -> int:
    return (length - 1) * occurrences - length


def _apart(rows: np.ndarray, length: int) -> list[int]:
    """From the left, the rows at which occurrences of `length` do not overlap."""
    picked, free_from = [], -1
    for row in rows.tolist():
        if row >= free_from:
            picked.append(row)
            free_from = row + length
    return picked


def _summarised(
    actions: nw.DataFrame, recording: _Recording, occurrences: nw.DataFrame, steps: Mapping[str, tuple[str, ...]]
) -> RepeatedSequences:
    first = occurrences["_row"].to_numpy().astype(np.int64)
    last = first + occurrences["step_count"].to_numpy().astype(np.int64)
    spent = (recording.time_before[last] - recording.time_before[first]).tolist()
    times = nw.from_dict({"_us": spent}, schema={"_us": nw.Int64()}, backend=actions.implementation)
    where = (
        actions.select("case_key", "event_seq", "resource_key")
        .with_row_index("_row")
        .with_columns(nw.col("_row").cast(nw.Int64()))
    )
    rows = occurrences.with_columns(duration_us=times["_us"]).join(where, on="_row")
    by = ["sequence_id", "step_count"]
    summary = summarise_durations(rows, by=by, quantiles={"median_seconds": MEDIAN}).rename(
        {"duration_count": "occurrence_count"}
    )
    for column, name in (("case_key", "session_count"), ("resource_key", "person_count")):
        counts = rows.filter(~nw.col(column).is_null()).select("sequence_id", column).unique()
        summary = summary.join(counts.group_by("sequence_id").agg(nw.len().alias(name)), on="sequence_id", how="left")
    summary = summary.with_columns(
        nw.col("session_count", "person_count").fill_null(0),
        action_count=nw.col("step_count") * nw.col("occurrence_count"),
        _most=-nw.col("total_seconds"),
    ).with_columns(action_share=ratio("action_count", max(len(actions), 1)))
    ranked = (
        summary.sort("_most", "sequence_id").with_row_index("rank").with_columns(nw.col("rank").cast(nw.Int64()) + 1)
    )
    columns = (
        "sequence_id",
        "rank",
        "step_count",
        "occurrence_count",
        "session_count",
        "person_count",
        "action_count",
        "action_share",
        "total_seconds",
        "mean_seconds",
        "median_seconds",
    )
    return RepeatedSequences(
        sequences=collected(ranked.select(*columns), order=["rank"]),
        steps=steps,
        occurrences=rows.select("sequence_id", "case_key", "event_seq").sort("case_key", "event_seq"),
    )

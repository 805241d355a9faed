"""What a history is: a list of steps, drawn from its seed. Any part of the list is a history again, so it can be shrunk."""

from collections import Counter
from dataclasses import dataclass
from zlib import crc32

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider

EXTRACTION = ("copy", "gate_landing", "land", "stage")
MINING = ("build", "gate_candidate", "mine", "gate_mining", "publish")
_ODOO_EDITS = (
    ["advance"] * 7
    + ["create", "link", "move", "correct", "late", "delete", "return", "begin", "commit"] * 2
    + ["rename", "split", "merge", "rekey", "duplicate", "odd_time", "repair", "odd_cursor", "look_up", "shuffle"]
)
_DESK_EDITS = ["late", "grow"] * 5 + ["work"] * 3 + ["record", "replace", "remove", "again", "spoil", "future"]
MAPPINGS = ("base", "yaml", "sql", "seed", "broken")


@dataclass(frozen=True)
class Edit:
    """Something happens at the source."""

    kind: str
    seed: int


@dataclass(frozen=True)
class Mapping:
    """The process is declared otherwise from now on: its YAML, a model's SQL, its seed; or a model that does not run."""

    variant: str


@dataclass(frozen=True)
class Run:
    """A night, or a backfill.

    days: how many after the last. extract: 'night', 'full', a window (days back, length) or None. mine: 'night',
    'full' or None. fate: None; ('kill', step, statement, is_retried): the step's process is killed when it sends that
    statement; ('repeat', step): done twice; ('stop', step): what comes after it does not happen, as when a gate blocks;
    ('duplicate', seed): a key is there twice until the next run.
    """

    days: int
    extract: str | tuple[int, int] | None
    mine: str | None
    fate: tuple | None


Step = Edit | Mapping | Run


@dataclass(frozen=True)
class History:
    """A process and what happens to it; a clean night follows always."""

    process: str
    steps: tuple[Step, ...]

    def rules(self) -> Counter:
        """How often each kind of step is in it."""
        found: Counter = Counter()
        for step in self.steps:
            match step:
                case Edit(kind):
                    found[kind] += 1
                case Mapping(variant):
                    found[f"mapping {variant}"] += 1
                case Run(_, extract, mine, fate):
                    found[f"run: {'window' if isinstance(extract, tuple) else extract} then {mine}"] += 1
                    if fate:
                        found[f"{fate[0]} {fate[1]}" if fate[0] != "duplicate" else "duplicate key"] += 1
        return found


# a history that a build which forgets where rows belonged before does not survive
RENAMED = History(
    "purchase_to_pay",
    (*(Edit("create", number) for number in range(3)), Run(1, "night", "night", None), Edit("rename", 1)),
)


class SeedAlone(HypothesisProvider):
    """Draws by the seed alone: hypothesis mixes in the constants of whatever code is loaded, so that a seed would be another
    history after any change of any module."""

    def _maybe_draw_constant(self, *args, **kwargs) -> None:
        return None


AVAILABLE_PROVIDERS["seed_alone"] = f"{__name__}.{SeedAlone.__name__}"


def draw(process: str, number: int, *, runs: int = 3) -> History:
    """The history of a seed, with `runs` runs or one less; the same for the same version of hypothesis."""
    drawn: list[History] = []

    @seed(crc32(f"{process} {number}".encode()))
    @settings(
        max_examples=2,  # the first that hypothesis tries is always the simplest
        phases=[Phase.generate],
        backend="seed_alone",
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(_histories(process, runs))
    def keep(history: History) -> None:
        drawn.append(history)

    keep()
    return drawn[-1]


def _edits(process: str, *, at_least: int, at_most: int) -> st.SearchStrategy[list[Edit]]:
    kinds = _DESK_EDITS if process == "desktop_work" else _ODOO_EDITS
    edit = st.builds(Edit, st.sampled_from(kinds), st.integers(0, 2**32))
    return st.lists(edit, min_size=at_least, max_size=at_most)


def _fates(*, is_first: bool) -> st.SearchStrategy[tuple | None]:
    steps = st.sampled_from([*EXTRACTION, *MINING, *MINING])
    if is_first:  # there is no history before something was published
        return st.one_of(st.none(), st.tuples(st.just("kill"), steps, st.integers(1, 50), st.just(True)))
    return st.one_of(
        st.none(),
        st.tuples(st.just("kill"), steps, st.integers(1, 50), st.booleans()),
        st.tuples(st.just("kill"), steps, st.integers(1, 50), st.booleans()),
        st.tuples(st.just("repeat"), steps),
        st.tuples(st.just("stop"), steps),
        st.tuples(st.just("duplicate"), st.integers(0, 2**32)),
    )


@st.composite
def _histories(draw, process: str, runs: int) -> History:
    kind = "record" if process == "desktop_work" else "create"
    steps: list[Step] = [Edit(kind, draw(st.integers(0, 2**32))) for _ in range(14)]
    steps += draw(_edits(process, at_least=3, at_most=8))
    has_mapping = draw(st.integers(0, 2)) == 2
    windows = st.tuples(st.integers(0, 12), st.integers(1, 12))
    for number in range(draw(st.integers(max(1, runs - 1), runs))):
        is_first = number == 0
        steps.append(
            Run(
                draw(st.integers(1, 4)),
                "night"
                if is_first
                else draw(st.one_of(*[st.just("night")] * 5, windows, windows, st.just("full"), st.none())),
                "night" if is_first else draw(st.sampled_from(["night"] * 7 + ["full", None])),
                draw(_fates(is_first=is_first)),
            )
        )
        if has_mapping and not is_first:
            steps.append(Mapping(draw(st.sampled_from(MAPPINGS))))
        steps += draw(_edits(process, at_least=30, at_most=50))
    return History(process, tuple(steps))

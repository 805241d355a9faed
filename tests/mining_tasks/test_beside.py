"""The second process: it finds what this one would, its errors are raised here, and it never outlives its block. Each test's
body runs in a forked process, which has one thread, as a task of the scheduler has.
"""

import subprocess
import sys
import threading

import pytest

from mining_tasks.beside import Claims, beside

FIRST = """
import os, signal, time
import polars as pl
from mining_tasks import runner
from mining_tasks.beside import Claims, beside
from sluice.errors import BadInput, SluiceError

if os.fork():  # into a copy that has none of the threads that libraries begin
    os._exit(os.waitstatus_to_exitcode(os.wait()[1]))

def ended(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
"""


def alone(body: str) -> str:
    done = subprocess.run([sys.executable, "-c", FIRST + body], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


needs_a_list_of_threads = pytest.mark.skipif(
    sys.platform != "linux", reason="nothing is forked where the system does not tell how many threads there are"
)


@needs_a_list_of_threads
def test_what_is_found_comes_one_after_the_other_from_another_process():
    out = alone("""
def work(told):
    for number in told():
        yield number * 2, os.getpid()

with beside(work) as other:
    other.tell([1, 2, 3])
    found = list(other.found())
pids = {pid for _, pid in found}
print([number for number, _ in found], os.getpid() in pids, [ended(pid) for pid in pids])
""")
    assert out == "[2, 4, 6] False [True]\n"


@needs_a_list_of_threads
def test_frames_arrive_as_they_are():
    out = alone("""
from polars.testing import assert_frame_equal

def work(told):
    asked = told()
    yield asked
    yield told()
    yield [frame.with_columns(pl.all().reverse()) for frame in asked["frames"]]

with beside(work) as other:  # before there are frames, and threads that make them
    frames = [
        pl.DataFrame({"i": [1, None, -(2**63)], "s": ["a", None, "étape ✓"], "b": [True, False, None], "f": [0.1, None, -0.0]}),
        pl.DataFrame({"at": pl.Series([1, None], dtype=pl.Datetime("us", "UTC")), "day": pl.Series([0, 1], dtype=pl.Date)}),
        pl.DataFrame(schema={"none": pl.Int32, "text": pl.String}),
        pl.concat([pl.DataFrame({"k": [1, 2]}), pl.DataFrame({"k": [3]})], rechunk=False),
    ]
    other.tell({"frames": frames, "nothing": None})
    other.tell(frames)
    same, again, turned = other.found()
for found in (same["frames"], again):
    for frame, one in zip(frames, found, strict=True):
        assert_frame_equal(frame, one)
for frame, one in zip(frames, turned, strict=True):
    assert_frame_equal(frame.reverse(), one)
print("same")
""")
    assert out == "same\n"


@needs_a_list_of_threads
def test_an_error_is_raised_where_it_was_asked_for():
    out = alone("""
class Odd(Exception):
    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")

def work(told):
    yield 1
    if told() == "bad":
        raise BadInput("processes/x.yml: expected a number")
    raise Odd("one", "two")

for kind in ("bad", "odd"):
    with beside(work) as other:
        other.tell(kind)
        found = other.found()
        next(found)
        try:
            next(found)
        except SluiceError as error:
            print(type(error).__name__, error, any("in the process beside" in note for note in error.__notes__))
            break
with beside(work) as other:
    try:
        other.tell("odd")
        list(other.found())
    except SluiceError as error:
        print(type(error).__name__, error)
""")
    assert out == ("BadInput processes/x.yml: expected a number True\nSluiceError mining: Odd: one and two\n")


@needs_a_list_of_threads
def test_a_process_that_is_killed_is_one_clear_line():
    out = alone("""
def work(_):
    yield 1
    os.kill(os.getpid(), signal.SIGKILL)

with beside(work) as other:
    try:
        list(other.found())
    except SluiceError as error:
        print(error)
""")
    assert out.startswith("mining: the process that computes beside ended before it was done; ")
    assert out.count("\n") == 1


@needs_a_list_of_threads
def test_it_ends_with_the_block_whatever_it_does():
    out = alone("""
def work(told):
    yield os.getpid()
    time.sleep(600)

try:
    with beside(work) as other:
        pid = next(other.found())
        raise RuntimeError("the other half failed")
except RuntimeError:
    print(ended(pid))
with beside(lambda told: [told()]):
    pass  # nothing is told: it does not wait for ever
print("ended")
""")
    assert out == "True\nended\n"


@needs_a_list_of_threads
def test_it_does_not_outlive_a_process_that_was_killed():
    out = alone("""
reader, writer = os.pipe()
child = os.fork()
if child == 0:
    def work(_):
        os.write(writer, str(os.getpid()).encode())
        while True:
            yield "something"
            time.sleep(0.01)

    with beside(work) as other:
        for _ in other.found():
            os.kill(os.getpid(), signal.SIGKILL)
os.waitpid(child, 0)
pid, until = int(os.read(reader, 20)), time.monotonic() + 30
while not ended(pid) and time.monotonic() < until:
    time.sleep(0.05)
print(ended(pid))
""")
    assert out == "True\n"


@needs_a_list_of_threads
def test_nothing_is_left_open():
    out = alone("""
def work(told):
    yield told()

def opened():
    return sorted(os.listdir("/proc/self/fd"))

before = opened()
for _ in range(3):
    claims = Claims(["a", "b"])
    with beside(work) as other:
        other.tell(pl.DataFrame({"a": [1, 2, 3]}))
        list(other.found())
    claims.close()
print(opened() == before)
""")
    assert out == "True\n"


def test_a_process_with_other_threads_is_not_copied():
    is_over = threading.Event()
    other_thread = threading.Thread(target=is_over.wait)
    other_thread.start()
    try:
        with beside(lambda told: []) as other:
            assert other is None
    finally:
        is_over.set()
        other_thread.join()


@needs_a_list_of_threads
def test_each_claim_is_given_once_whoever_asks():
    out = alone("""
names = [f"part {number}" for number in range(200)]
claims = Claims(names)

def work(_):
    yield [name for name in names if claims.take(name)]

with beside(work) as other:
    found = other.found()
    ours = [name for name in reversed(names) if claims.take(name)]
    theirs = next(found)
print(sorted(ours + theirs) == sorted(names), any(map(claims.take, names)))
""")
    assert out == "True False\n"


def test_claims_are_given_once_in_one_process_too():
    claims = Claims(["one", "two"])
    try:
        assert [claims.take(name) for name in ("one", "two", "one")] == [True, True, False]
    finally:
        claims.close()


@needs_a_list_of_threads
def test_both_halves_make_the_same_tables_in_two_processes_as_in_one():
    out = alone("""
import random
from mining_tasks.aside import in_halves
from mining_tasks.calendars_declared import Due, Performance
from mining_tasks.runner import TABLES, mine_log
from mining_tasks.terms import Further
from mining_tasks.waiting_results import Facts
from tests.mining_tasks.logs import Event, log_of

HOUR = 3_600_000_000

def a_log():
    chance, events = random.Random(7), []
    for case in range(900):
        at, pace = case * 5 * HOUR, chance.randint(1, 9)  # told by the second event
        for step in range(chance.randint(3, 9)):
            at += chance.choice([0, 1, 3]) * pace * HOUR + chance.randint(0, 9)
            activity = f"pace {pace}" if step == 1 else chance.choice("abcde")
            events.append(Event(f"case {case}", activity, at, person=chance.choice("uvwxyz")))
    return log_of(events, open_cases={f"case {case}" for case in range(860, 900)})

due = Due(name="quick", activity="c", which="first", within_us=72 * HOUR)
further = Further(facts=Facts(declared=Performance(due=(due,))))

def made(halves):
    return mine_log(
        log, is_case_level_public=True, k_anonymity=3, as_of_us=0, order=("occurred_at", "rank"), further=lambda: further,
        halves=halves,
    )

with in_halves() as halves:
    log = a_log()
    two = made(halves)
    is_forked = halves._other is not None
one = made(None)
differing = [name for name in TABLES if two[name] != one[name]]
empty = [name for name in ("predictions", "handovers", "due_dates", "case_times", "order_bounds") if not one[name]]
print(is_forked, differing, empty)
""")
    assert out == "True [] []\n"

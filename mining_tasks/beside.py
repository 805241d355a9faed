"""Work in a second process: Python's threads wait for each other's locks, processes do not."""

import io
import mmap
import os
import pickle
import signal
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

import polars as pl

from sluice.errors import SluiceError

Told = Callable[[], Any]  # what the process is told next; waits for it
Work = Callable[[Told], Iterable[Any]]  # what is found, one after the other
_FOUND, _FAILED, _END = "found", "failed", "end"
_ALIGNED = 64  # bytes, as Arrow wants it


class Beside:
    """A process that does the work. It is a copy of this one as it was when it was made; what it needs beyond that it is told."""

    def __init__(self, connection: Connection, memory: int) -> None:
        self._connection, self._memory = connection, memory

    def tell(self, value: Any) -> None:
        """Hand it what it asks for next."""
        with _as_one_line():
            self._connection.send(_put(value, self._memory))

    def found(self) -> Iterator[Any]:
        """What it finds, as it finds it; raises what it raises, SluiceError where it ends before it is done."""
        with _as_one_line():
            message = self._connection.recv()
        while message[0] == _FOUND:
            yield message[1]
            with _as_one_line():
                message = self._connection.recv()
        if message[0] == _FAILED:
            raise message[1]


@contextmanager
def _as_one_line() -> Iterator[None]:
    try:
        yield
    except (EOFError, ConnectionError):
        raise SluiceError(
            "mining: the process that computes beside ended before it was done; expected it to find memory enough: "
            "see the system's log, and mine again"
        ) from None


@contextmanager
def beside(work: Work) -> Iterator[Beside | None]:
    """A process for `work`, which ends with the block; None where this process cannot be copied: another thread may hold a
    lock, and the copy would wait for it for ever.
    """
    if not _is_alone():
        yield None
        return
    # in each of the two: Polars has no threads yet, or there would be some
    os.environ.setdefault("POLARS_MAX_THREADS", str(max(len(os.sched_getaffinity(0)) // 2, 1)))
    ours, theirs = Pipe()
    memory = os.memfd_create("told")
    pid = os.fork()
    if pid == 0:
        _serve(work, ours, theirs, memory)
    theirs.close()
    try:
        yield Beside(ours, memory)
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    finally:
        os.close(memory)
        ours.close()  # whoever waits to be told something ends
        os.waitpid(pid, 0)


class Claims:
    """Parts of a work that several processes or threads could do: whoever takes one first does it. To be closed."""

    def __init__(self, names: Sequence[str]) -> None:
        self._ends = {name: os.pipe() for name in names}
        for reader, writer in self._ends.values():
            os.set_blocking(reader, False)
            os.write(writer, b"1")

    def take(self, name: str) -> bool:
        """Whether nobody has taken it before."""
        try:
            return bool(os.read(self._ends[name][0], 1))
        except BlockingIOError:
            return False

    def close(self) -> None:
        for end in sum(self._ends.values(), ()):
            os.close(end)


def _is_alone() -> bool:
    """Whether this process has one thread, as far as the system can tell."""
    try:
        return len(list(Path("/proc/self/task").iterdir())) == 1
    except OSError:
        return False


def _put(value: Any, memory: int) -> tuple[bytes, list[tuple[int, int]]]:
    """The value, but for its large pieces, which `memory` has then; where each of these begins and ends."""
    pieces: list[pickle.PickleBuffer] = []
    rest = io.BytesIO()
    _Pickler(rest, protocol=5, buffer_callback=pieces.append).dump(value)
    places, end = [], os.lseek(memory, 0, os.SEEK_END)
    with os.fdopen(os.dup(memory), "wb") as file:
        for piece in pieces:
            raw = piece.raw()
            places.append((end, end + len(raw)))
            end += file.write(raw) + file.write(bytes(-len(raw) % _ALIGNED))
    return rest.getvalue(), places


def _taken(message: tuple[bytes, list[tuple[int, int]]], memory: int) -> Any:
    """What `_put` was given; its large pieces lie in the shared memory."""
    rest, places = message
    is_empty = not os.fstat(memory).st_size
    shared = memoryview(b"" if is_empty else mmap.mmap(memory, 0, prot=mmap.PROT_READ))
    return pickle.loads(rest, buffers=[shared[begin:end] for begin, end in places])


class _Pickler(pickle.Pickler):
    """Frames as tables of Arrow, whose pieces need not be copied into the pickle."""

    def reducer_override(self, value: Any) -> Any:
        return (pl.from_arrow, (value.to_arrow(),)) if isinstance(value, pl.DataFrame) else NotImplemented


def _serve(work: Work, theirs: Connection, connection: Connection, memory: int) -> None:
    """Do the work and end this process, which is a copy: nothing of what the original does at its end is done."""
    code = 1
    try:
        theirs.close()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        _do(work, lambda: _taken(connection.recv(), memory), connection)
        code = 0
    except (EOFError, ConnectionError):  # nothing is told any more: the original does not need it, or has ended
        pass
    finally:
        os._exit(code)


def _do(work: Work, told: Told, connection: Connection) -> None:
    try:
        for found in work(told):
            connection.send((_FOUND, found))
        connection.send((_END, None))
    except (EOFError, ConnectionError):
        raise
    except BaseException as error:  # noqa: BLE001 - it is raised where what is found is asked for
        connection.send((_FAILED, _as_it_can_be_sent(error)))


def _as_it_can_be_sent(error: BaseException) -> BaseException:
    error.add_note("in the process beside:\n" + "".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001 - of any kind
        return SluiceError(f"mining: {type(error).__name__}: {error}")
    return error

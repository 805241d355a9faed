"""The rows of a log as mining read them, kept in files for the next night: then only the touched cases are read anew.

What is mined is what publishing leaves (see `mining_tasks.io`): so the rows of one mining, the touched cases taken out and
the candidate's put in, are the rows of the next, as long as nothing else was published between them. A token says that:
each mining names its files by a new one, and publishing notes the token of what it publishes in its own transaction
(`ops.process_state.kept_rows`). Files of another token, or none, or one that cannot be read: the warehouse is read.
"""

import os
import shutil
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

import polars as pl
import pyarrow as pa


class KeptRows:
    """The kept rows of a process, in `folder`/<token>: those of `published` (a token; None: nothing is to be read), and a new
    token's for what this mining reads. They are the owner's alone (mode 0600). To be closed, when all was read.
    """

    def __init__(self, folder: Path, published: str | None) -> None:
        self._folder, self._published = folder, published
        self._new = token_hex(16)
        self._thread = ThreadPoolExecutor(1)
        self._written: list[Future[None]] = []

    def rows(self, table: str, columns: Sequence[str]) -> pl.DataFrame | None:
        """The kept rows of a candidate table with these columns, as they were given to `keep`; None: there are none."""
        if self._published is None:
            return None
        try:
            with pa.memory_map(str(self._file(self._published, table, columns))) as file:
                return pl.from_arrow(pa.ipc.open_file(file).read_all())
        except (OSError, pa.ArrowException):
            return None

    def keep(self, table: str, columns: Sequence[str], rows: pl.DataFrame) -> None:
        """Write the rows, beside what the caller goes on with."""
        path = self._file(self._new, table, columns)
        self._written.append(self._thread.submit(_write, path, rows))

    def close(self) -> str | None:
        """The token of what was kept: all of it lies on the disk. None: not all could be written."""
        self._thread.shutdown()
        if any(one.exception() is not None for one in self._written):
            shutil.rmtree(self._folder / self._new, ignore_errors=True)
            return None
        return self._new

    def drop_others(self, kept: str | None) -> None:
        """Remove all files but those of `kept` and of what is published."""
        if self._folder.is_dir():
            for folder in self._folder.iterdir():
                if folder.name not in (kept, self._published):
                    shutil.rmtree(folder, ignore_errors=True)

    def _file(self, token: str, table: str, columns: Sequence[str]) -> Path:
        return self._folder / token / f"{table}-{sha256(repr(tuple(columns)).encode()).hexdigest()[:16]}.arrow"


def _write(path: Path, rows: pl.DataFrame) -> None:
    for folder in (path.parent.parent, path.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        rows.write_ipc(file, compression="uncompressed", compat_level=pl.CompatLevel.oldest())
        file.flush()
        os.fsync(file.fileno())

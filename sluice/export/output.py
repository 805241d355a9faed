"""The file that an export goes to: written beside its place and moved there when it is whole; packed where it ends in .gz."""

import gzip
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from sluice.errors import BadInput

STANDARD_OUTPUT = "-"


def refuse_existing(path: Path, *, may_overwrite: bool) -> None:
    """BadInput where `path` cannot become a file: it is there already, is a folder, or its folder is not there."""
    if str(path) == STANDARD_OUTPUT:
        return
    if path.is_dir():
        raise BadInput(f"{path}: is a folder: give the name of a file")
    if not path.parent.is_dir():
        raise BadInput(f"{path}: there is no folder {path.parent}: make it first")
    if path.exists() and not may_overwrite:
        raise BadInput(f"{path}: is there already: give another name with --output, or replace it with --overwrite")


@contextmanager
def whole_file(path: Path, *, may_overwrite: bool = False) -> Iterator[BinaryIO]:
    """A stream of bytes that becomes the file `path` at the end, or nothing where something fails. `-` is standard output.

    The same bytes give the same file, packed or not. Raises BadInput.
    """
    refuse_existing(path, may_overwrite=may_overwrite)
    if str(path) == STANDARD_OUTPUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with open(partial, "xb") as file:
            if path.suffix == ".gz":
                with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as packed:
                    yield packed
            else:
                yield file
            file.flush()
            os.fsync(file.fileno())
        _move(partial, path, may_overwrite=may_overwrite)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()


def _move(partial: Path, path: Path, *, may_overwrite: bool) -> None:
    if may_overwrite:
        partial.replace(path)
        return
    try:
        os.link(partial, path)  # unlike a rename it fails where somebody made the file meanwhile
    except FileExistsError:
        raise BadInput(f"{path}: was made by somebody else meanwhile: give another name with --output") from None
    except OSError:  # a file system without links
        refuse_existing(path, may_overwrite=False)
        partial.replace(path)

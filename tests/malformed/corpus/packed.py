"""Files that are packed, huge or full of holes: archives with tricks in their paths, streams of one byte."""

import gzip
import io
import tarfile
import zipfile
from pathlib import Path


def zeros(path: Path, size: int, before: bytes, fill: bytes = b"x") -> None:
    """A file with a long run of the same byte, packed: small on disk."""
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(before)
        block = fill * (1 << 20)
        for _ in range(size >> 20):
            file.write(block)


def sparse(path: Path, size: int, before: bytes) -> None:
    """A file of NULs that takes no room."""
    with open(path, "wb") as file:
        file.write(before)
        file.truncate(size)


def zipped(names: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in names.items():
            archive.writestr(name, content)
    return packed.getvalue()


def tarred(names: dict[str, bytes], mode: str = "w") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:
        for name, content in names.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return packed.getvalue()


TRICKS = {"../../../etc/cron.d/x": b"case,activity,time\n", "/etc/passwd": b"x", "C:\\x": b"x"}

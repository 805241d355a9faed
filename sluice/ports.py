"""A TCP port of the loopback to listen on, that nobody takes before it is listened on."""

import random
import socket
from contextlib import suppress
from pathlib import Path

from sluice.errors import SluiceError

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_FIRST, _TRIES = 15_000, 200


def free_port(preferred: int | None = None) -> int:
    """`preferred` where it is free, else one that is, below those that the system lends to outgoing connections: one of
    these may be lent between this answer and the listening, and be held for as long as the connection is.
    """
    below = _first_lent()
    chosen = [random.randrange(_FIRST, below) for _ in range(_TRIES)] if below > _FIRST else []
    for port in ([preferred] if preferred else []) + [*chosen, 0]:
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
            probe.bind(("127.0.0.1", port))
            return probe.getsockname()[1]
    raise SluiceError("no free TCP port on 127.0.0.1")


def _first_lent() -> int:
    try:
        return int(_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 32_768  # Linux's own

"""Ports: free ones, and none that the system lends to outgoing connections."""

import socket
from pathlib import Path

import pytest

from sluice import ports


def listening() -> socket.socket:
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    return taken


def test_a_port_is_free_and_is_not_lent_to_connections():
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for _ in range(50):
        port = ports.free_port()
        assert port < first
        with socket.socket() as server:
            server.bind(("127.0.0.1", port))
            server.listen()


def test_the_preferred_port_is_taken_where_it_is_free_only():
    with listening() as taken:
        number = taken.getsockname()[1]
        assert ports.free_port(number) != number
    assert ports.free_port(number) == number


def test_a_connection_keeps_a_server_from_its_port():
    """Why: the port of an outgoing connection cannot be listened on as long as it lasts."""
    with listening() as server, socket.create_connection(server.getsockname()) as connection:
        with socket.socket() as late, pytest.raises(OSError):
            late.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            late.bind(connection.getsockname())
            late.listen()


def test_where_the_system_lends_nearly_all_any_port_will_do(monkeypatch, tmp_path):
    lent = tmp_path / "range"
    lent.write_text("1024\t65535\n")
    monkeypatch.setattr(ports, "_RANGE", lent)
    assert ports.free_port() > 1023

"""A real mail server (with STARTTLS and a login) and a real web server, that keep what they are sent."""

import http.server
import json
import socketserver
import ssl
import threading
from dataclasses import dataclass, field

import pytest

from sluice.warehouse import connect


@dataclass
class Sink:
    """What a server of the tests received, and how it shall behave."""

    port: int = 0
    messages: list = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)  # what to answer next; when empty, all is well
    certificate: str | None = None


def _smtp_handler(sink: Sink, context: ssl.SSLContext | None):
    class Handler(socketserver.StreamRequestHandler):
        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())
            self.wfile.flush()

        def handle(self) -> None:
            is_secret = False
            self.say("220 mail.test")
            while line := self.rfile.readline():
                command = line.decode().strip()
                verb = command.split(" ")[0].upper()
                sink.commands.append(("TLS " if is_secret else "") + verb)
                if verb == "EHLO":
                    offers = ["mail.test"]
                    offers += ["STARTTLS"] if context and not is_secret else []
                    offers += ["AUTH PLAIN LOGIN"] if is_secret or not context else []
                    for offer in offers[:-1]:
                        self.say(f"250-{offer}")
                    self.say(f"250 {offers[-1]}")
                elif verb == "STARTTLS":
                    self.say("220 go")
                    self.connection = context.wrap_socket(self.connection, server_side=True)
                    self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")
                    is_secret = True
                elif verb == "AUTH":
                    self.say("235 welcome")
                elif verb == "DATA":
                    self.say("354 go")
                    lines = []
                    while (text := self.rfile.readline()) not in (b".\r\n", b""):
                        lines.append(text)
                    answer = sink.answers.pop(0) if sink.answers else 250
                    if answer == 250:
                        sink.messages.append(b"".join(lines).decode())
                    self.say(f"{answer} done")
                elif verb == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 ok")

    return Handler


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = allow_reuse_address = True


def _serve(server, sink: Sink):
    sink.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def mail():
    """A mail server without encryption."""
    sink = Sink()
    yield from _serve(_Server(("127.0.0.1", 0), _smtp_handler(sink, None)), sink)


@pytest.fixture
def secure_mail(tmp_path):
    """A mail server with STARTTLS; `certificate` is the file to trust."""
    sink = Sink(certificate=str(_make_certificate(tmp_path)))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(sink.certificate, tmp_path / "key.pem")
    yield from _serve(_Server(("127.0.0.1", 0), _smtp_handler(sink, context)), sink)


def _make_certificate(folder):
    from datetime import UTC, datetime, timedelta
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    path = folder / "certificate.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def web():
    """A web server that takes POSTs of JSON."""
    sink = Sink()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = sink.answers.pop(0) if sink.answers else 200
            if answer == 200:
                sink.messages.append(body | {"authorization": self.headers["Authorization"]})
            self.send_response(answer)
            if answer == 302:
                self.send_header("Location", f"http://127.0.0.1:{sink.port}/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on the tests' output."""

    yield from _serve(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler), sink)


@pytest.fixture
def record(settings):
    """record(subject, state, …): a run that ended, in ops.runs."""

    def write(subject: str, state: str, message: str | None = None, **more) -> str:
        kind = more.get("kind", "extract")
        with connect(settings.warehouse_url) as db:
            run_id = f"{kind}__{subject}/{more.get('day', '2026-01-30')}/{more.get('number', 1)}"
            db.execute(
                """insert into ops.runs (run_id, kind, subject, day, state, message, started_at, finished_at)
                   values (%s, %s, %s, %s, %s, %s, clock_timestamp(),
                           case when %s <> 'running' then '2026-01-31 08:00+00'::timestamptz end)
                   on conflict (run_id) do update set state = excluded.state, message = excluded.message""",
                (run_id, kind, subject, more.get("day", "2026-01-30"), state, message, state),
            )
            if "error_class" in more:
                db.execute(
                    "insert into ops.steps (run_id, step, state, error_class) values (%s, 'copy', 'failed', %s)",
                    (run_id, more["error_class"]),
                )
        return run_id

    return write

"""How a notice leaves the house: e-mail over SMTP, or a JSON POST to a webhook; both set up by variables alone."""

import json
import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Protocol
from urllib.parse import urlsplit

from sluice.errors import BadInput, SluiceError

TIMEOUT_SECONDS = 20
_SECURITY = ("starttls", "tls", "none")


class Channel(Protocol):
    """Where notices go. `name` is what ops.alert_notices calls it; `send` raises SluiceError with one line."""

    name: str

    def send(self, subject: str, text: str, facts: list[dict[str, str | None]]) -> None: ...


@dataclass(frozen=True)
class Email:
    """Plain-text mail over SMTP. security: `starttls` (default), `tls` from the first byte, or `none`."""

    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    security: str = "starttls"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    name: str = "email"

    def send(self, subject: str, text: str, facts: list[dict[str, str | None]]) -> None:
        message = EmailMessage()
        message["Subject"], message["From"], message["To"] = subject, self.sender, ", ".join(self.recipients)
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=self.sender.rsplit("@", 1)[-1])
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        try:
            with self._connected() as server:
                if self.user:
                    server.login(self.user, self.password or "")
                server.send_message(message)
        except (smtplib.SMTPException, OSError) as error:
            raise SluiceError(f"e-mail by {self.host}:{self.port}: {_smtp_reason(error)}") from None

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.security == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_SECONDS, context=context)
        server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_SECONDS)
        try:
            if self.security == "starttls":
                server.starttls(context=context)
        except BaseException:
            server.close()
            raise
        return server


def _smtp_reason(error: Exception) -> str:
    """What the server said, without what we said to it."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"the server refused the login ({error.smtp_code}): see SLUICE_SMTP_USER and SLUICE_SMTP_PASSWORD"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"the server refused the recipients ({', '.join(str(code) for code, _ in error.recipients.values())})"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the server answered {error.smtp_code}"
    return f"{type(error).__name__}: {str(error) or 'no answer'}"


@dataclass(frozen=True)
class Webhook:
    """A POST of `{"text": …, "source": "sluice", "notices": […]}`; chat services that know Slack's format show the text.

    The address may hold a secret and is never shown but for its host.
    """

    url: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    name: str = "webhook"

    def send(self, subject: str, text: str, facts: list[dict[str, str | None]]) -> None:
        headers = {"Content-Type": "application/json", "User-Agent": "sluice"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        body = json.dumps({"text": f"*{subject}*\n{text}", "source": "sluice", "notices": facts}).encode()
        request = urllib.request.Request(self.url, body, headers, method="POST")
        try:
            with _opener.open(request, timeout=TIMEOUT_SECONDS) as response:
                response.read(1024)
        except urllib.error.HTTPError as error:
            raise SluiceError(f"webhook at {self.host}: answered {error.code}") from None
        except (urllib.error.URLError, OSError) as error:
            reason = getattr(error, "reason", error)
            raise SluiceError(f"webhook at {self.host}: {reason or type(error).__name__}") from None

    @property
    def host(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A webhook that moved is a setting to correct: what we tell must not be carried elsewhere."""

    def redirect_request(self, *_: object) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


def channels(variables: Mapping[str, str]) -> list[Channel]:
    """The channels that the variables SLUICE_ALERT_* and SLUICE_SMTP_* set up; BadInput names the one that is wrong."""
    found: list[Channel] = []
    if variables.get("SLUICE_ALERT_TO"):
        found.append(_email(variables))
    elif any(name.startswith("SLUICE_SMTP_") for name in variables):
        raise BadInput(
            "SLUICE_ALERT_TO: expected whom to write to (addresses, separated by commas), as SLUICE_SMTP_* is set"
        )
    if url := variables.get("SLUICE_ALERT_WEBHOOK_URL"):
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise BadInput("SLUICE_ALERT_WEBHOOK_URL: expected an address such as https://chat.example.com/hooks/…")
        found.append(Webhook(url, variables.get("SLUICE_ALERT_WEBHOOK_TOKEN")))
    return found


def _email(variables: Mapping[str, str]) -> Email:
    recipients = tuple(part.strip() for part in variables["SLUICE_ALERT_TO"].split(",") if part.strip())
    if bad := [one for one in recipients if one.count("@") != 1 or any(sign.isspace() for sign in one)]:
        raise BadInput(f"SLUICE_ALERT_TO: expected e-mail addresses separated by commas, found {bad[0]!r}")
    host = variables.get("SLUICE_SMTP_HOST")
    if not host:
        raise BadInput("SLUICE_SMTP_HOST: expected the mail server's name, as SLUICE_ALERT_TO is set")
    security = variables.get("SLUICE_SMTP_SECURITY", "starttls").lower()
    if security not in _SECURITY:
        raise BadInput(f"SLUICE_SMTP_SECURITY: expected one of {', '.join(_SECURITY)}, found {security!r}")
    port = variables.get("SLUICE_SMTP_PORT", {"tls": "465", "starttls": "587", "none": "25"}[security])
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise BadInput(f"SLUICE_SMTP_PORT: expected a port number, found {port!r}")
    sender = variables.get("SLUICE_ALERT_FROM", recipients[0])
    if sender.count("@") != 1 or any(sign.isspace() for sign in sender):
        raise BadInput(f"SLUICE_ALERT_FROM: expected an e-mail address, found {sender!r}")
    return Email(
        host,
        int(port),
        sender,
        recipients,
        security,
        variables.get("SLUICE_SMTP_USER"),
        variables.get("SLUICE_SMTP_PASSWORD"),
        variables.get("SLUICE_SMTP_CA_FILE"),
    )

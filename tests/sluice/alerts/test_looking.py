"""Alerts: told once when something goes wrong and once when it is over, by real servers, without secrets."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_string
from email.policy import default

import pytest

from sluice.alerts import look, send_test
from sluice.errors import BadInput, SluiceError
from sluice.warehouse import connect

NOW = datetime(2026, 1, 31, 9, tzinfo=UTC)


@pytest.fixture
def told(settings, mail, web):
    """Settings with both channels, to servers of the test's own."""
    return replace(
        settings,
        operations={
            "SLUICE_ALERT_TO": "oncall@example.com, second@example.com",
            "SLUICE_SMTP_HOST": "127.0.0.1",
            "SLUICE_SMTP_PORT": str(mail.port),
            "SLUICE_SMTP_SECURITY": "none",
            "SLUICE_ALERT_WEBHOOK_URL": f"http://127.0.0.1:{web.port}/hooks/T0P5ECRET",
        },
    )


def text_of(message):
    parsed = message_from_string(message, policy=default)
    return parsed["Subject"], parsed.get_content()


def test_a_failure_is_told_once_and_its_end_once(told, mail, web, record):
    record("odoo", "failed", "table sale_order is missing: restore it")
    assert [i.subject for i in look(told, now=NOW).opened] == ["odoo"]
    assert look(told, now=NOW).opened == ()
    record("odoo", "failed", "table sale_order is missing: restore it", day="2026-01-31", number=2)
    assert look(told, now=NOW).opened == ()
    subject, text = text_of(mail.messages[0])
    assert subject == "Sluice: odoo: failed"
    assert "table sale_order is missing: restore it" in text and "sluice status" in text
    assert len(mail.messages) == len(web.messages) == 1
    assert web.messages[0]["text"].startswith("*Sluice: odoo: failed*")
    record("odoo", "landed", day="2026-01-31", number=3)
    assert look(told, now=NOW).recovered == ("odoo",)
    assert "odoo is well again: the run of 2026-01-31 is landed" in text_of(mail.messages[1])[1]
    assert look(told, now=NOW).open_count == 0
    assert len(mail.messages) == len(web.messages) == 2
    with connect(told.warehouse_url) as db:
        assert db.execute("select subject, kind, seen_count from ops.alerts").fetchall() == [("odoo", "failed", 2)]


def test_a_run_that_may_be_tried_again_is_not_told_yet(told, mail, record):
    run_id = record("odoo", "failed", "the source cannot be reached")
    with connect(told.warehouse_url) as db:
        db.execute("update ops.runs set finished_at = %s where run_id = %s", (NOW - timedelta(minutes=1), run_id))
    assert look(told, now=NOW).opened == () and mail.messages == []
    assert look(told, now=NOW, settle=timedelta(0)).open_count == 1 and len(mail.messages) == 1
    with connect(told.warehouse_url) as db:  # fails again in the next night: still the same incident
        db.execute("update ops.runs set finished_at = %s where run_id = %s", (NOW, run_id))
    assert look(told, now=NOW).recovered == () and len(mail.messages) == 1


def test_a_task_that_was_killed_is_told(told, mail, record):
    run_id = record("odoo", "running")
    with connect(told.warehouse_url) as db:  # its process is gone: nobody holds its lock
        db.execute(
            "insert into ops.steps (run_id, step, state, owner) values (%s, 'land', 'running', 'x:1')", (run_id,)
        )
    later = datetime.now(UTC) + timedelta(minutes=5)
    assert [(i.subject, i.kind) for i in look(told, now=later).opened] == [("odoo", "interrupted")]
    assert "odoo was interrupted" in text_of(mail.messages[0])[1]


def test_a_server_that_is_down_is_tried_again_and_the_other_is_told(told, mail, web, record, monkeypatch):
    monkeypatch.setattr("sluice.alerts.looking.WAIT_SECONDS", 0.01)
    record("odoo", "blocked", "the key of res_users is null")
    mail.answers[:] = [451, 451, 451]
    looked = look(told, now=NOW)
    assert looked.errors == (f"e-mail by 127.0.0.1:{mail.port}: the server answered 451",)
    assert (len(mail.messages), len(web.messages)) == (0, 1)
    mail.answers[:] = [451]
    assert look(told, now=NOW).errors == ()
    assert (len(mail.messages), len(web.messages)) == (1, 1)
    with connect(told.warehouse_url) as db:
        rows = db.execute("select channel, state, attempt_count from ops.alert_notices order by 1").fetchall()
    assert rows == [("email", "sent", 4), ("webhook", "sent", 1)]


def test_no_secret_and_nothing_personal_leaves_the_house(told, mail, web, record, make_database):
    source = "postgresql://reader:hunter2word@127.0.0.1/odoo"
    settings = replace(told, source_urls={"odoo": source}, pseudonym_key_hex="ab" * 16)
    record("odoo", "failed", f"{source} T0P5ECRET said ada.lovelace@example.org {'ab' * 16} hunter2word")
    record("crm", "failed", 'InvalidText: invalid input: "Ada Lovelace"', error_class="InvalidTextRepresentation")
    record("desktop_work", "failed", "case p_1/2026-01-30 is odd", kind="mine")
    look(settings, now=NOW)
    _, text = text_of(mail.messages[0])
    for secret in ("hunter2word", "T0P5ECRET", "ada.lovelace", "Lovelace", "ab" * 16, "p_1"):
        assert secret not in text and secret not in str(web.messages), secret
    assert "InvalidTextRepresentation in step copy" in text
    with connect(settings.warehouse_url) as db:
        assert "hunter2word" not in str(db.execute("select * from ops.alerts").fetchall())


@pytest.mark.parametrize(
    ("clock", "is_late"),
    [("05:59", False), ("06:00", True)],
)
def test_a_night_that_is_not_there_by_its_deadline_is_late(told, mail, record, clock, is_late):
    settings = replace(told, source_urls={"odoo": "postgresql://nowhere/x"})
    record("odoo", "landed", day="2026-01-29")
    now = datetime.fromisoformat(f"2026-01-31T{clock}:00+00:00")
    assert [(i.subject, i.kind) for i in look(settings, now=now).opened] == ([("odoo", "late")] if is_late else [])
    if is_late:
        assert "the night of 2026-01-30 was to be ready by 06:00 UTC and has not run" in text_of(mail.messages[0])[1]
        record("odoo", "landed", day="2026-01-30", number=2)
        assert look(settings, now=now).recovered == ("odoo",)


def test_a_late_night_that_then_fails_is_no_good_news(told, mail, record):
    settings = replace(told, source_urls={"odoo": "postgresql://nowhere/x"})
    record("odoo", "landed", day="2026-01-29")
    look(settings, now=NOW)
    record("odoo", "failed", "no", day="2026-01-30")
    assert look(settings, now=NOW).recovered == ()
    assert [text_of(message)[0] for message in mail.messages] == ["Sluice: odoo: late", "Sluice: odoo: failed"]


def test_late_by_a_source_is_told_of_the_source_alone(told, mail, record):
    settings = replace(told, source_urls={"odoo": "postgresql://nowhere/x"})
    record("odoo", "landed", day="2026-01-29")
    for process in ("purchase_to_pay", "order_to_cash", "lead_to_order"):
        record(process, "published", day="2026-01-29", kind="mine")
    assert [i.subject for i in look(settings, now=NOW).opened] == ["odoo"]
    record("odoo", "landed", day="2026-01-30", number=2)
    found = look(settings, now=NOW)
    assert [i.subject for i in found.opened] == ["lead_to_order", "order_to_cash", "purchase_to_pay"]
    assert len(mail.messages) == 2, "one message for all that begins and ends at a look"


def test_the_demo_company_is_never_late(told, record):
    settings = replace(told, source_urls={"odoo": "postgresql://nowhere/x"}, agent_drop=told.home / "demo" / "agent")
    record("odoo", "landed", day="2025-07-01")
    assert look(settings, now=NOW).open_count == 0


def test_what_never_ran_is_not_late(told, mail):
    settings = replace(told, source_urls={"odoo": "postgresql://nowhere/x"})
    assert look(settings, now=NOW).open_count == 0 and mail.messages == []


def test_starttls_with_a_login_and_a_certificate_that_is_checked(settings, secure_mail, record):
    variables = {
        "SLUICE_ALERT_TO": "oncall@example.com",
        "SLUICE_SMTP_HOST": "127.0.0.1",
        "SLUICE_SMTP_PORT": str(secure_mail.port),
        "SLUICE_SMTP_USER": "sluice",
        "SLUICE_SMTP_PASSWORD": "mailword",
    }
    with pytest.raises(SluiceError, match="certificate"):
        send_test(replace(settings, operations=variables))
    assert secure_mail.messages == []
    trusted = variables | {"SLUICE_SMTP_CA_FILE": secure_mail.certificate}
    assert send_test(replace(settings, operations=trusted)) == ["email: sent"]
    assert "TLS AUTH" in secure_mail.commands and "AUTH" not in secure_mail.commands


def test_a_redirect_is_not_followed(told, web, monkeypatch, record):
    monkeypatch.setattr("sluice.alerts.looking.WAIT_SECONDS", 0.01)
    web.answers[:] = [302, 302, 302]
    record("odoo", "failed", "no")
    (line,) = look(told, now=NOW).errors
    assert "answered 302" in line and "T0P5ECRET" not in line and web.messages == []


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"SLUICE_ALERT_TO": "a@b"}, "SLUICE_SMTP_HOST"),
        ({"SLUICE_ALERT_TO": "nobody", "SLUICE_SMTP_HOST": "h"}, "SLUICE_ALERT_TO"),
        ({"SLUICE_SMTP_HOST": "h"}, "SLUICE_ALERT_TO"),
        ({"SLUICE_ALERT_TO": "a@b", "SLUICE_SMTP_HOST": "h", "SLUICE_SMTP_PORT": "x"}, "SLUICE_SMTP_PORT"),
        ({"SLUICE_ALERT_TO": "a@b", "SLUICE_SMTP_HOST": "h", "SLUICE_SMTP_SECURITY": "ssl"}, "SLUICE_SMTP_SECURITY"),
        ({"SLUICE_ALERT_WEBHOOK_URL": "file:///etc/passwd"}, "SLUICE_ALERT_WEBHOOK_URL"),
        ({"SLUICE_NIGHT_DEADLINE": "6 am"}, "SLUICE_NIGHT_DEADLINE"),
    ],
)
def test_a_wrong_variable_is_named(settings, variables, said):
    with pytest.raises(BadInput, match=said):
        look(replace(settings, operations=variables), now=NOW)

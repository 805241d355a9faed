"""What is said about an Airflow that does not start."""

from sluice.stack import last_lines


def test_an_airflow_that_does_not_start_says_what_it_last_said(tmp_path):
    assert last_lines(tmp_path) == "nothing in its logs"
    (tmp_path / "api-server.log").write_text("starting\n[Errno 98] Address already in use\n\n")
    (tmp_path / "launcher.log").write_text("giving up on postgresql://me:a@b@host/db\n")
    said = "api-server.log: [Errno 98] Address already in use; launcher.log: giving up on postgresql://…@host/db"
    assert last_lines(tmp_path) == said

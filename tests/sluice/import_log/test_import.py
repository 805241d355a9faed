"""What lands of a log: every rule of docs/import_log.md, on logs that can be counted by hand."""

import csv as plain_csv
import io

import pytest

from sluice import keys
from sluice.errors import BadInput
from sluice.warehouse import connect

from .conftest import xes_event, xes_log, xes_trace


def rows(settings, query, *values):
    with connect(settings.warehouse_url) as db:
        return db.execute(query, values).fetchall()


def events(settings, process, columns="case_id, activity"):
    return rows(
        settings,
        f'select {columns} from event_log.events where process = %s order by case_id collate "C", event_seq',
        process,
    )


def csv_text(*lines, separator=","):
    out = io.StringIO()
    plain_csv.writer(out, delimiter=separator).writerows([["case", "activity", "time"], *lines])
    return out.getvalue()


def test_a_log_is_published_and_mined(import_log, write_file, settings, capsys):
    path = write_file(
        "log.csv",
        csv_text(("1", "a", "2020-01-01T10:00Z"), ("1", "b", "2020-01-01T11:00Z"), ("2", "a", "2020-01-02T10:00Z")),
    )
    assert import_log("small", path, "--title", "Small log") == 0
    assert events(settings, "small") == [("1", "a"), ("1", "b"), ("2", "a")]
    assert rows(
        settings,
        "select source_activity, target_activity, edge_count, mean_seconds from mining.dfg where process = 'small'",
    ) == [("a", "b", 1, 3600.0)]
    assert rows(settings, "select title, kind, order_declared, as_of::date::text from event_log.processes") == [
        ("Small log", "imported", "occurred_at, source_seq", "2020-01-03")
    ]
    assert rows(settings, "select kind, state from ops.runs") == [("import", "published")]
    assert "case = 'case' (guessed)" in capsys.readouterr().out


@pytest.mark.slow
def test_views_for_readers_show_it(import_log, write_file, settings, with_views):
    assert import_log("small", write_file("log.csv", csv_text(("1", "a", "2020-01-01T10:00Z")))) == 0
    assert rows(settings, "select count(*) from bi.processes") == [(1,)]


def test_keys_are_those_of_the_other_processes(import_log, write_file, settings):
    path = write_file("log.csv", csv_text(("ü'1", "a b", "2020-01-01T10:00Z"), ("ü'1", "c", "2020-01-01T11:00Z")))
    import_log("keyed", path)
    for event_id, case, case_key, activity, activity_key, source_key in rows(
        settings, "select event_id, case_id, case_key, activity, activity_key, source_key from event_log.events"
    ):
        assert event_id == keys.event_id("keyed", case, "file", "csv", source_key, activity, 1)
        assert case_key == keys.case_key("keyed", case)
        assert activity_key == keys.activity_key(activity)
    assert rows(settings, "select variant_id from event_log.cases") == [(keys.variant_id(["a b", "c"]),)]


def test_the_same_file_again_changes_nothing_a_newer_one_replaces(import_log, write_file, settings, capsys):
    first = csv_text(("1", "a", "2020-01-01T10:00Z"), ("2", "a", "2020-01-02T10:00Z"))
    import_log("again", write_file("log.csv", first))
    before = events(settings, "again", "*")
    assert import_log("again", write_file("same.csv.gz", first)) == 0  # the name and the packing are no part of it
    assert "nothing to do" in capsys.readouterr().out
    assert events(settings, "again", "*") == before
    import_log(
        "again", write_file("log.csv", csv_text(("2", "b", "2020-01-02T10:00Z"), ("3", "a", "2020-01-02T11:00Z")))
    )
    assert events(settings, "again") == [("2", "b"), ("3", "a")]
    assert rows(settings, "select activity from mining.activity_kpis where process = 'again' order by 1") == [
        ("a",),
        ("b",),
    ]
    import_log("again", write_file("log.csv", first))  # and back: the same rows as before, when they were loaded aside
    assert [row[:-1] for row in events(settings, "again", "*")] == [row[:-1] for row in before]


def test_another_way_of_reading_is_another_import(import_log, write_file, settings):
    path = write_file("log.csv", csv_text(("1", "b", "2020-01-01T11:00"), ("1", "a", "2020-01-01T10:00")))
    import_log("ways", path, "--timezone", "UTC")
    assert events(settings, "ways") == [("1", "a"), ("1", "b")]
    import_log("ways", path, "--timezone", "UTC", "--order", "file")
    assert events(settings, "ways") == [("1", "b"), ("1", "a")]
    assert rows(settings, "select order_declared from event_log.processes") == [("source_seq",)]


def test_columns_of_attributes_may_change_between_two_files(import_log, write_file, settings):
    import_log("columns", write_file("log.csv", "case,activity,time,amount\n1,a,2020-01-01T10:00Z,5\n"))
    assert rows(settings, "select amount from event_log.columns_attributes") == [(5,)]
    import_log("columns", write_file("log.csv", "case,activity,time,amount,town\n1,a,2020-01-01T10:00Z,x,Ulm\n"))
    assert rows(settings, "select amount, town from event_log.columns_attributes") == [("x", "Ulm")]


def test_dry_run_changes_nothing(import_log, write_file, settings, capsys):
    import_log("dry", write_file("log.csv", csv_text(("1", "a", "2020-01-01T10:00Z"))), "--dry-run")
    assert "1 cases, 1 events" in capsys.readouterr().out
    assert rows(
        settings,
        "select (select count(*) from ops.loads), (select count(*) from pg_tables where schemaname = 'candidate')",
    ) == [(0, 0)]


def test_ties_keep_the_order_of_the_file(import_log, write_file, settings):
    lines = [("1", name, "2020-01-01T10:00Z") for name in "zebra"] + [("1", "first", "2019-01-01T10:00Z")]
    import_log("ties", write_file("log.csv", csv_text(*lines)))
    assert [activity for _, activity in events(settings, "ties")] == ["first", *"zebra"]
    assert [basis for _, basis in events(settings, "ties", "event_seq, order_basis")] == [
        "occurred_at",
        *["source_seq"] * 5,
    ]
    assert rows(settings, "select order_basis, tied_event_count, tied_case_count from event_log.order_ties") == [
        ("source_seq", 5, 1)
    ]


def test_ids_are_never_guessed_to_be_something_else(import_log, write_file, settings):
    cases = ["NA", "null", "007", "7", "1e5", "nan", "TRUE", " x", "N/A"]
    path = write_file("log.csv", csv_text(*((case, "None", "2020-01-01T10:00Z") for case in cases)))
    import_log("ids", path)
    assert {case for case, _ in events(settings, "ids")} == set(cases)
    assert {activity for _, activity in events(settings, "ids")} == {"None"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_byte_order_marks_and_quoting(import_log, write_file, settings, encoding):
    text = 'case;activity;time\r\n"a;1";"two\nlines ""quoted""";2020-01-01T10:00Z\r\n\r\nü;c;2020-01-01T10:00Z\r\n'
    import_log("quoting", write_file("log.csv", text.encode(encoding)))
    assert events(settings, "quoting", "case_id, activity, source_seq") == [
        ("a;1", 'two\nlines "quoted"', 2),
        ("ü", "c", 5),
    ]


def test_rows_that_cannot_be_used_are_set_aside_with_line_and_reason(import_log, write_file, settings):
    path = write_file(
        "log.csv",
        (
            "case,activity,time\n"
            "1,a,2020-01-01T10:00Z\n"
            "1,b\n"
            "1,b,2020-01-01T10:00Z,secret\n"
            ",b,2020-01-01T10:00Z\n"
            "1,,2020-01-01T10:00Z\n"
            "1,b,\n"
            "1,b,secret\n"
            "1,b\x00,2020-01-01T10:00Z\n"
            f"{'x' * 600},b,2020-01-01T10:00Z\n"
            '1,"a"b,2020-01-01T10:00Z\n'
            "2,z,2020-01-01T10:00Z\n"
        ),
    )
    import_log("aside", path)
    assert events(settings, "aside", "case_id, activity, source_seq") == [("1", "a", 2), ("2", "z", 12)]
    found = rows(
        settings,
        "select split_part(source_key, ':', 2)::int, check_name, reason from quality.quarantined_rows order by 1",
    )
    assert [(line, check) for line, check, _ in found] == [
        (3, "ragged_row"),
        (4, "ragged_row"),
        (5, "event_without_case"),
        (6, "event_without_activity"),
        (7, "event_without_time"),
        (8, "bad_time"),
        (9, "nul_character"),
        (10, "case_too_long"),
        (11, "bad_row"),
    ]
    assert all(f"line {line}" in reason and "secret" not in reason for line, _, reason in found)
    assert rows(settings, "select read_count, inserted_count, quarantined_count from ops.loads") == [(11, 2, 9)]


def test_rows_set_aside_are_those_of_the_file_that_is_published(import_log, write_file, settings):
    import_log("one", write_file("log.csv", csv_text(("1", "a", "2020-01-01T10:00Z"), ("1", "", "2020-01-01T10:00Z"))))
    import_log("two", write_file("log.csv", csv_text(("1", "a", "2020-01-01T10:00Z"), ("", "", "2020-01-01T10:00Z"))))
    assert len(rows(settings, "select from quality.quarantined_rows")) == 2
    import_log("one", write_file("log.csv", csv_text(("1", "a", "2020-01-01T10:00Z"))))
    assert [check for (check,) in rows(settings, "select check_name from quality.quarantined_rows")] == [
        "event_without_case"
    ]


def test_nothing_but_bad_rows_is_refused_with_the_first_reason(import_log, write_file):
    with pytest.raises(BadInput, match="2 were set aside; the first: line 2"):
        import_log("nothing", write_file("log.csv", csv_text(("1", "a", "soon"), ("1", "a", "later"))))


def test_attributes_are_what_is_constant_in_every_case(import_log, write_file, settings, capsys):
    path = write_file(
        "log.csv",
        (
            "case,activity,time,amount,zip,is open,due,seen,comment,level,level\n"
            "1,a,2020-01-01T10:00Z,5,01234,true,2020-02-01,2020-03-01T10:00+01:00," + "long " * 100 + ",x,1\n"
            "1,b,2020-01-01T11:00Z,,,,,,,y,2\n"
            "2,a,2020-01-01T10:00Z,2.5,99999,FALSE,2020-02-30,,,x,1\n"
        ),
    )
    import_log("typed", path)
    assert rows(
        settings,
        "select case_id, amount, zip, is_open, due, seen::text from event_log.typed_attributes order by case_id",
    ) == [
        ("1", 5.0, "01234", True, "2020-02-01", "2020-03-01 09:00:00+00"),
        ("2", 2.5, "99999", False, "2020-02-30", None),
    ]
    out = capsys.readouterr().out
    assert "not kept, since they vary within a case: level" in out
    assert "long texts: comment" in out
    columns = "select column_name from information_schema.columns where table_name = 'typed_attributes'"
    assert ("comment",) not in rows(settings, columns)


def test_people_are_pseudonyms_and_the_same_ones_everywhere(import_log, write_file, settings, capsys):
    path = write_file(
        "log.csv",
        (
            "case,activity,time,User,Owner,Note,Resource role\n"
            "1,a,2020-01-01T10:00Z,Ada Lovelace,ada lovelace,ada@example.org,boss\n"
            "ada@example.org,b,2020-01-01T11:00Z,Ada Lovelace,ADA LOVELACE,ada@example.org,boss\n"
        ),
    )
    import_log("people", path)
    [(resource,)] = rows(settings, "select distinct resource from event_log.events")
    assert rows(settings, "select distinct owner from event_log.people_attributes") == [(resource,)]
    assert rows(settings, "select distinct resource_role from event_log.people_attributes") == [("boss",)]
    with connect(settings.warehouse_url) as db:
        for schema, table in db.execute(
            "select schemaname, tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
        ):
            held = (
                db.execute(f'select coalesce(string_agg(t::text, chr(10)), %s) from "{schema}"."{table}" as t', ("",))
                .fetchone()[0]
                .lower()
            )
            assert "lovelace" not in held, f"{schema}.{table}"
            assert "ada@example" not in held, f"{schema}.{table}"
    assert "pseudonyms, since they look personal: Note, Owner, case" in capsys.readouterr().out


def test_what_is_personal_can_be_declared(import_log, write_file, settings):
    path = write_file("log.csv", "case,activity,time,owner,colour\n1,a,2020-01-01T10:00Z,north,red\n")
    import_log("declared", path, "--not-personal", "owner", "--personal", "colour")
    [(owner, colour)] = rows(settings, "select owner, colour from event_log.declared_attributes")
    assert owner == "north"
    assert colour.startswith("p_")


def test_lifecycle_all_complete_pair(import_log, write_file, settings, capsys):
    moments = [
        ("start", 1, "a"),
        ("schedule", 2, "b"),
        ("start", 3, "a"),
        ("complete", 4, "a"),
        ("complete", 5, "a"),
        ("complete", 6, "a"),
        ("start", 7, "b"),
        ("start", 8, "a"),
        ("complete", 9, "a"),
    ]
    path = write_file(
        "log.xes",
        xes_log(
            xes_trace(
                "1",
                *(
                    xes_event(activity, f"2020-01-01T10:0{minute}:00Z", lifecycle__transition=transition.upper())
                    for transition, minute, activity in moments
                ),
            )
        ),
    )
    minutes = "activity, extract(minute from started_at)::int, extract(minute from occurred_at)::int"
    import_log("cycle", path)
    assert len(events(settings, "cycle")) == 9
    import_log("cycle", path, "--lifecycle", "complete")
    assert events(settings, "cycle", minutes) == [("a", None, 4), ("a", None, 5), ("a", None, 6), ("a", None, 9)]
    import_log("cycle", path, "--lifecycle", "pair")
    # first in, first out; the completion at 6 finds no open start and must not take the later one
    assert events(settings, "cycle", minutes) == [("a", 1, 4), ("a", 3, 5), ("a", None, 6), ("b", None, 7), ("a", 8, 9)]
    assert rows(
        settings, "select split_part(source_key, ':', 2)::int from ops.case_rows where process = 'cycle' order by 1"
    ) == [(1,), (3,), (8,)]
    out = capsys.readouterr().out
    for line in (
        "intervals paired: 3",
        "starts without a completion kept as events: 1",
        "completions without a start: 1",
        "events of other lifecycle transitions left out: 1",
    ):
        assert line in out


def test_instances_are_paired_apart(import_log, write_file, settings):
    def event(transition, minute, instance):
        return xes_event(
            "a", f"2020-01-01T10:0{minute}:00Z", lifecycle__transition=transition, concept__instance=instance
        )

    path = write_file(
        "log.xes",
        xes_log(
            xes_trace(
                "1",
                event("start", 1, "x"),
                event("start", 2, "y"),
                event("complete", 3, "y"),
                event("complete", 4, "x"),
            )
        ),
    )
    import_log("instances", path, "--lifecycle", "pair")
    assert events(
        settings, "instances", "extract(minute from started_at)::int, extract(minute from occurred_at)::int"
    ) == [(2, 3), (1, 4)]


def test_xes_rules(import_log, write_file, settings, capsys):
    nested = (
        '<string key="channel" value="web"><string key="inner" value="meta"/></string>'
        '<list key="parts"><values><string key="p" value="1"/></values></list>'
    )
    log = xes_log(
        xes_trace(
            "1",
            xes_event("a", "2020-01-01T10:00:00+01:00", org__resource="Ada"),
            xes_event(None, "2020-01-01T10:00:01Z"),
            xes_event("no time", None),
            xes_event("bad time", "soon"),
            further=nested + '<int key="amount" value="7"/>',
        ),
        xes_trace("empty"),
        xes_trace(None, xes_event("of no case", "2020-01-01T10:00:00Z")),
        xes_trace("2", xes_event("b", "2020-01-01T10:00:00Z")),
        xes_trace("1", xes_event("again", "2020-01-03T10:00:00Z"), further='<int key="amount" value="8"/>'),
        xes_event("outside", "2020-01-01T10:00:00Z"),
        head='<global scope="trace"><string key="concept:name" value="X"/>'
        '<boolean key="urgent" value="false"/></global>'
        '<global scope="event"><string key="concept:name" value="Unknown"/>'
        '<date key="time:timestamp" value="1970-01-01T00:00:00Z"/>'
        '<string key="org:resource" value="Nobody"/></global><string key="origin" value="here"/>',
    )
    import_log("rules", write_file("log.xes", log))
    assert events(settings, "rules", "case_id, activity, source_seq, resource is null") == [
        ("1", "a", 1, False),
        ("1", "Unknown", 2, True),
        ("1", "again", 7, True),
        ("2", "b", 6, True),
    ]
    assert rows(settings, "select case_id, amount, channel, urgent from event_log.rules_attributes order by 1") == [
        ("1", 7, "web", False),
        ("2", None, None, False),
    ]
    aside = rows(
        settings, "select split_part(source_key, ':', 2)::int, check_name from quality.quarantined_rows order by 1"
    )
    assert aside == [(3, "event_without_time"), (4, "bad_time"), (5, "event_without_case"), (8, "event_without_case")]
    out = capsys.readouterr().out
    assert "empty traces: 1" in out
    assert "traces with the name of an earlier one: 1" in out


def test_xes_classifier_names_the_activity(import_log, write_file, settings):
    log = xes_log(
        xes_trace("1", xes_event("a", "2020-01-01T10:00:00Z", lifecycle__transition="start", my_key="k")),
        head='<classifier name="both" keys="concept:name lifecycle:transition"/>'
        '<classifier name="quoted" keys="\'my_key\' concept:name"/>',
    )
    path = write_file("log.xes", log.replace("my:key", "my_key"))
    import_log("classed", path, "--classifier", "both")
    assert events(settings, "classed") == [("1", "a+start")]
    with pytest.raises(BadInput, match="'both', 'quoted'"):
        import_log("classed", path, "--classifier", "other")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("<log ", '<log xmlns="http://www.xes-standard.org/" '),
        lambda text: (
            text.replace("<", "<x:")
            .replace("<x:/", "</x:")
            .replace("<x:?", "<?")
            .replace("<x:log ", '<x:log xmlns:x="http://x" ')
        ),
        lambda text: text.replace('"UTF-8"', '"UTF-16"').encode("utf-16"),
        lambda text: text.replace('"UTF-8"', '"ISO-8859-1"').encode("latin-1"),
    ],
)
def test_xes_in_other_dresses(import_log, write_file, settings, change):
    text = xes_log(xes_trace("ü", xes_event("a", "2020-01-01T10:00:00Z"), xes_event("b", "2020-01-01T10:00:00Z")))
    import_log(
        "dressed", write_file("log.xes.gz", changed if isinstance(changed := change(text), bytes) else changed.encode())
    )
    assert events(settings, "dressed") == [("ü", "a"), ("ü", "b")]


def test_gate_warns_and_publishes(import_log, write_file, settings, capsys):
    path = write_file(
        "log.csv", "case,activity,time,start_time\n1,a,1948-01-01T10:00Z,1948-01-02T10:00Z\n2,b,2020-01-01T10:00Z,\n"
    )
    import_log("warned", path)
    assert len(events(settings, "warned")) == 2
    out = capsys.readouterr().out
    assert "warn: not_before_earliest" in out
    assert "warn: end_not_before_start" in out


def test_declared_horizon_is_kept(import_log, write_file, settings, capsys):
    path = write_file("log.csv", csv_text(("1", "a", "2020-01-01T10:00Z"), ("1", "a", "2099-01-01T10:00Z")))
    import_log("horizon", path, "--as-of", "2020-12-31")
    assert rows(settings, "select as_of::date::text from event_log.processes") == [("2021-01-01",)]
    assert "warn: not_in_future" in capsys.readouterr().out


def test_a_declared_process_cannot_be_overwritten(import_log, write_file):
    with pytest.raises(BadInput, match="declared"):
        import_log("purchase_to_pay", write_file("log.csv", csv_text(("1", "a", "2020-01-01T10:00Z"))))


def test_a_blocked_import_leaves_the_last_good_state(import_log, write_file, settings, monkeypatch):
    from sluice.errors import Blocked

    import_log("kept", write_file("log.csv", csv_text(("1", "a", "2020-01-01T10:00Z"))))

    def block(*_):
        raise Blocked("no")

    with monkeypatch.context() as patched:
        patched.setattr("expectations.mining.gate_mining", block)
        with pytest.raises(Blocked):
            import_log("kept", write_file("log.csv", csv_text(("2", "b", "2020-01-01T10:00Z"))))
    assert events(settings, "kept") == [("1", "a")]
    assert rows(settings, "select state from ops.runs order by started_at") == [("published",), ("blocked",)]
    import_log("kept", write_file("log.csv", csv_text(("2", "b", "2020-01-01T10:00Z"))))
    assert events(settings, "kept") == [("2", "b")]


def test_two_imports_of_one_process_do_not_meet(import_log, write_file, settings):
    with connect(settings.warehouse_url) as db:
        db.execute("select pg_advisory_lock(hashtext('sluice:import:' || 'busy'))")
        with pytest.raises(BadInput, match="another import"):
            import_log("busy", write_file("log.csv", csv_text(("1", "a", "2020-01-01T10:00Z"))))

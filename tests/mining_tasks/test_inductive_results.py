"""Discovery in the warehouse: every published row equals what SQL, or the model itself, says of what is published."""

import re

import psycopg
import pytest
from lxml import etree

from mining_tasks.process_tree import count_nodes, parse
from mining_tasks.process_tree_models import MOST_ACTIVITIES, discover_models
from mining_tasks.runner import mine
from sluice.publish import publish
from sluice.settings import PROJECT
from tests.expectations.candidates import Candidate, let_through, process, run
from tests.mining_tasks.nets import assert_same_language, read_bpmn, read_pnml
from tests.mining_tasks.test_runner import night, some_cases
from tests.mining_tasks.trees import coded

VIEW = PROJECT / "dbt_project" / "models" / "bi" / "category_dfg.sql"
EVENTUALLY = """
with e as (select case_key, event_seq, activity from event_log.events where process = 'demo'),
had as (select activity, count(distinct case_key) as n from e group by activity)
select a.activity, b.activity, count(*), count(distinct (a.case_key, a.event_seq)) filter (where not exists (
           select from e as again where again.case_key = a.case_key and again.activity = a.activity
           and again.event_seq > a.event_seq and again.event_seq < b.event_seq)),
       count(distinct a.case_key), count(distinct a.case_key)::float8 / max(first.n),
       count(distinct a.case_key)::float8 / max(second.n)
from e as a inner join e as b on a.case_key = b.case_key and a.event_seq < b.event_seq
inner join had as first on first.activity = a.activity inner join had as second on second.activity = b.activity
group by a.activity, b.activity"""

DEPENDENCIES = """
with arcs as (select source_activity as a, target_activity as b, edge_count as n from mining.dfg where process = 'demo'),
e as (select case_key, event_seq, activity from event_log.events where process = 'demo'),
loops as (
    select x.activity as a, y.activity as b, count(*) as n from e as x
    inner join e as y on x.case_key = y.case_key and x.event_seq + 1 = y.event_seq
    inner join e as z on x.case_key = z.case_key and x.event_seq + 2 = z.event_seq
    where x.activity = z.activity and x.activity <> y.activity group by 1, 2),
counted as (
    select d.source_activity as a, d.target_activity as b, coalesce(f.n, 0)::float8 as there,
           coalesce(r.n, 0)::float8 as back, coalesce(l.n, 0)::float8 as l, coalesce(m.n, 0)::float8 as m
    from mining.dependencies as d left join arcs as f on f.a = d.source_activity and f.b = d.target_activity
    left join arcs as r on r.b = d.source_activity and r.a = d.target_activity
    left join loops as l on l.a = d.source_activity and l.b = d.target_activity
    left join loops as m on m.b = d.source_activity and m.a = d.target_activity
    where d.process = 'demo')
select a, b, there, back, l, case when a = b then there / (there + 1) else (there - back) / (there + back + 1) end,
       case when a <> b then (l + m) / (l + m + 1) end
from counted"""


def rows(db, query):
    return sorted(db.execute(query).fetchall(), key=str)


def test_published_rows_equal_their_second_route(settings):
    night(settings, 1, some_cases(21))
    with psycopg.connect(settings.warehouse_url) as db:
        found = rows(
            db,
            """select source_activity, target_activity, pair_count, next_count, case_count, source_case_share,
                      target_case_share from mining.eventually_follows where process = 'demo'""",
        )
        assert found == rows(db, EVENTUALLY) and len(found) > 3
        found = rows(
            db,
            """select source_activity, target_activity, edge_count, reverse_edge_count, two_loop_count, dependency,
                      two_loop_dependency from mining.dependencies where process = 'demo'""",
        )
        assert found == rows(db, DEPENDENCIES) and len(found) > 3
        missing = """select count(*) from mining.dfg as d where process = 'demo' and not exists (
            select from mining.dependencies as m where m.process = d.process
            and m.source_activity = d.source_activity and m.target_activity = d.target_activity)"""
        assert db.execute(missing).fetchone() == (0,)
        levels = rows(
            db,
            """select source_activity, target_activity, element_count from mining.map_levels
               where process = 'demo' and element = 'arc'""",
        )
        assert levels == rows(
            db,
            """select source_activity, target_activity, edge_count from mining.dfg where process = 'demo' union all
               select '', activity, case_count from mining.start_activities where process = 'demo' union all
               select activity, '', case_count from mining.end_activities where process = 'demo'""",
        )


def test_the_three_forms_of_a_published_model_are_one(settings):
    night(settings, 1, some_cases(22))
    with psycopg.connect(settings.warehouse_url) as db:
        cursor = db.execute("select * from mining.models where process = 'demo'")
        names = [column.name for column in cursor.description]
        models = {row[names.index("model_kind")]: dict(zip(names, row, strict=True)) for row in cursor}
    assert models.keys() == {"inductive", "inductive_directly_follows", "inductive_infrequent"}
    for model in models.values():
        tree, net = parse(model["tree"]), read_pnml(model["pnml"])
        assert_same_language(net, tree)
        assert_same_language(read_bpmn(model["bpmn"]), tree)
        nodes = count_nodes(tree)
        assert (model["activity_count"], model["silent_count"]) == (nodes["activity"], nodes["tau"])
        assert model["transition_count"] == len(net.transitions)
        assert model["arc_count"] == sum(len(takes) + len(puts) for _, takes, puts in net.transitions)
        flows = etree.fromstring(model["bpmn"].encode()).findall(".//{*}sequenceFlow")
        assert model["flow_count"] == len(flows) and model["left_out_activity_count"] == 0


def test_nothing_is_discovered_of_peoples_sessions(settings):
    ctx = run(1, "desk")
    Candidate({"s1": ["a", "b"], "s2": ["a", "b"]}, name="desk").write(settings.warehouse_url, ctx)
    let_through(settings.warehouse_url, ctx, None, "desk")
    with psycopg.connect(settings.warehouse_url) as db:
        db.execute("insert into event_log.processes values ('desk', 't', 'declared', 'o', false, 5, now(), 'r', now())")
    counts = mine(settings, "desk", ctx)
    publish(settings, process("desk", case_level_public=False), ctx)
    assert {counts[name] for name in ("eventually_follows", "dependencies", "models", "map_levels")} == {0}


def test_a_log_of_many_activities_gets_a_model_of_its_commonest():
    many = {(f"a{number:03}",): number + 1 for number in range(MOST_ACTIVITIES + 20)}
    row = next(discover_models(coded(many)[0]).iter_rows(named=True))
    assert (row["activity_count"], row["left_out_activity_count"]) == (MOST_ACTIVITIES, 20)
    assert "'a019'" not in row["tree"] and "'a020'" in row["tree"]


@pytest.mark.parametrize("name", ["it's", "a <b> & 'c'", "sort | ' of\nthing"])
def test_any_name_comes_through(settings, name):
    night(settings, 1, {"1": [name, "b"], "2": [name]})
    with psycopg.connect(settings.warehouse_url) as db:
        tree, bpmn = db.execute("select tree, bpmn from mining.models where model_kind = 'inductive'").fetchone()
    assert parse(tree).children[0].label == name
    assert name in [task.get("name") for task in etree.fromstring(bpmn.encode()).iterfind(".//{*}task")]


def test_categories_add_up_to_the_graph_one_level_up(settings):
    """The view's own SQL over a published process, two of whose activities are of one category, one of none."""
    night(settings, 1, some_cases(23))
    view = re.sub(r"\{\{ source\('(\w+)', '(\w+)'\) \}\}", r"\1.\2", VIEW.read_text())
    category = {"order": "buying", "check": "buying", "pay": "paying"}
    with psycopg.connect(settings.warehouse_url) as db:
        for activity, name in category.items():
            db.execute("update event_log.activities set category = %s where activity = %s", (name, activity))
        expected = {}
        arcs = "select source_activity, target_activity, edge_count, backward_count, total_seconds from mining.dfg"
        for source, target, *figures in db.execute(arcs):
            key = category.get(source, source), category.get(target, target)
            expected[key] = [old + new for old, new in zip(expected.get(key, [0, 0, 0, 0]), [1, *figures], strict=True)]
        found = db.execute(view).fetchall()
    assert {row[1:3] for row in found} == expected.keys() and len(found) == len(expected)
    for process_name, source, target, arc_count, edge_count, backward_count, total, mean in found:
        arcs, edges, backwards, seconds = expected[source, target]
        assert (process_name, arc_count, edge_count, backward_count) == ("demo", arcs, edges, backwards)
        assert total == pytest.approx(seconds) and mean == pytest.approx(seconds / edges)

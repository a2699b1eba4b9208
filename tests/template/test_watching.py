"""What an operator watches: metrics from the log, alarms, their topic, the dashboard.

Nothing at hand evaluates CloudWatch's JSON filter patterns, so these tests hold each pattern to its terms, word by
word, and every term to a field that the engine really logs.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NoReturn

import boto3
import pytest
from botocore.stub import Stubber

from studio_setup import handler
from studio_setup.access.app_status import AppStatus
from studio_setup.access.control_plane import ControlPlane
from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import NoWorkspace
from studio_setup.model.outcomes import Outcome
from studio_setup.model.report import SetupFailed
from tests.support.insights import Query
from tests.support.log_lines import declared_fields
from tests.support.stack import ROOT

if TYPE_CHECKING:
    from tests.support.stack import Stack
    from tests.support.stack_fixtures import Deploy

NAMESPACE = "StudioSetup/studio-setup"
COUNTED = {
    "SetupsSucceeded": Outcome.SUCCEEDED,
    "SetupsFailed": Outcome.FAILED,
    "SetupsTimedOut": Outcome.TIMED_OUT,
    "SetupsUnfinished": Outcome.UNFINISHED,
    "SetupsUnreachable": Outcome.UNREACHABLE,
}
NOT_REPEATED = "($.repeated IS FALSE)"
FINISHED = '($.message = "setup.finished")'
ALARMS = {"FailedAlarm", "TimedOutAlarm", "DeadLettersAlarm", "NoSetupAlarm"}
APP = App("d-abc", "ann", "JupyterServer", "x")


@pytest.fixture(scope="module")
def metrics(default_stack: Stack) -> dict[str, dict[str, Any]]:
    """Metric name → the filter's pattern beside the metric's own settings."""
    found = {}
    for resource in default_stack.of_type("AWS::Logs::MetricFilter").values():
        properties = resource["Properties"]
        assert properties["LogGroupName"] == "StudioSetupLogGroup"
        (metric,) = properties["MetricTransformations"]
        assert metric["MetricNamespace"] == NAMESPACE
        found[metric["MetricName"]] = {"pattern": properties["FilterPattern"], **metric}
    return found


@pytest.fixture(scope="module")
def full_stack(deploy: Deploy) -> Stack:
    """The stack with every optional part."""
    return deploy(AlarmEmail="ops@example.com", AlarmTopicArn="arn:aws:sns:us-east-1:111122223333:own")


@pytest.fixture(scope="module")
def reconciling_stack(deploy: Deploy) -> Stack:
    """The stack with the reconcile function."""
    return deploy(ReconcileSchedule="rate(1 hour)")


@pytest.fixture(scope="module")
def widgets(default_stack: Stack) -> dict[str, dict[str, Any]]:
    """The dashboard's widgets by their title."""
    body = json.loads(default_stack.properties("Dashboard")["DashboardBody"])
    return {widget["properties"]["title"]: widget for widget in body["widgets"]}


def _terms(pattern: str) -> list[str]:
    """Return the terms that a pattern of the form { (…) && (…) } joins with AND."""
    assert pattern.startswith("{ ")
    assert pattern.endswith(" }")
    return pattern[2:-2].split(" && ")


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """What the function logs in a setup, as message → fields."""

    class Context:
        def get_remaining_time_in_millis(self) -> int:
            return 900_000

    def look_and_fail(_run: object) -> NoReturn:
        client, deadline = boto3.client("sagemaker"), Deadline.after(60)
        with Stubber(client) as answers:
            answers.add_response("describe_app", {"Status": "InService"})
            AppStatus(ControlPlane(client, deadline), APP, deadline).wait_until_in_service(grace_seconds=0)
        raise NoWorkspace("no place")

    monkeypatch.setattr("studio_setup.setup_run._SetupRun._carry_out", look_and_fail)
    event = json.loads((ROOT / "tests/events/jupyter-server-started.json").read_text(encoding="utf-8"))
    with caplog.at_level("INFO"), pytest.raises(SetupFailed):
        handler.lambda_handler(event, Context())
    return {record.getMessage(): vars(record) for record in caplog.records}


@pytest.mark.parametrize(("metric", "outcome"), COUNTED.items())
def test_a_metric_counts_each_outcome_once(metrics: dict[str, dict[str, Any]], metric: str, outcome: Outcome) -> None:
    """One metric per outcome that operators act on; an outcome that is reported again is not counted again."""
    found = metrics[metric]
    assert _terms(found["pattern"]) == [FINISHED, f'($.outcome = "{outcome}")', NOT_REPEATED]
    assert (found["MetricValue"], found["Unit"], found["DefaultValue"]) == ("1", "Count", 0)


def test_every_outcome_that_fails_an_invocation_is_counted() -> None:
    """Every outcome that is an error has a metric."""
    assert {outcome for outcome in Outcome if outcome.is_error} | {Outcome.SUCCEEDED} == set(COUNTED.values())


def test_the_duration_of_finished_setups_is_measured(metrics: dict[str, dict[str, Any]]) -> None:
    """Seconds come from finished setups, once each; repeated reports and unreachable apps are left out."""
    found = metrics["SetupSeconds"]
    ends = " || ".join(f'($.outcome = "{o}")' for o in (Outcome.SUCCEEDED, Outcome.FAILED, Outcome.TIMED_OUT))
    assert _terms(found["pattern"]) == [FINISHED, "($.seconds >= 0)", NOT_REPEATED, f"({ends})"]
    assert (found["MetricValue"], found["Unit"]) == ("$.seconds", "Seconds")
    assert "DefaultValue" not in found, "a 0 where nothing happened would spoil the percentiles"


def test_the_wait_for_the_app_is_measured(metrics: dict[str, dict[str, Any]]) -> None:
    """The seconds come from the log line that says that the app is in service."""
    found = metrics["WaitedSeconds"]
    assert _terms(found["pattern"]) == ['($.message = "app.in_service")', "($.waited_seconds >= 0)"]
    assert (found["MetricValue"], found["Unit"]) == ("$.waited_seconds", "Seconds")
    assert "DefaultValue" not in found


def test_the_metrics_read_what_the_engine_logs(
    metrics: dict[str, dict[str, Any]], lines: dict[str, dict[str, Any]]
) -> None:
    """Every line and field that the filters look at is logged, and has the type that they expect."""
    for found in metrics.values():
        messages = re.findall(r'\$\.message = "([^"]+)"', found["pattern"])
        fields = re.findall(r"\$\.([a-z_]+)", found["pattern"])
        assert messages
        for message in messages:
            assert set(fields) - {"message"} <= lines[message].keys()
    assert type(lines["setup.finished"]["repeated"]) is bool
    assert type(lines["setup.finished"]["seconds"]) is float
    assert type(lines["app.in_service"]["waited_seconds"]) is float


def test_every_line_that_shows_the_function_at_work_is_counted(metrics: dict[str, dict[str, Any]]) -> None:
    """Setups that begin and events that are ignored both count."""
    found = metrics["SetupLogLines"]
    assert found["pattern"] == '{ ($.message = "setup.started") || ($.message = "setup.finished") }'
    assert (found["MetricValue"], found["DefaultValue"]) == ("1", 0)


@pytest.mark.parametrize(("name", "metric"), [("FailedAlarm", "SetupsFailed"), ("TimedOutAlarm", "SetupsTimedOut")])
def test_a_failed_setup_sets_off_an_alarm(default_stack: Stack, name: str, metric: str) -> None:
    """One failed or timed-out setup within five minutes is enough."""
    alarm = default_stack.properties(name)
    assert (alarm["Namespace"], alarm["MetricName"]) == (NAMESPACE, metric)
    assert (alarm["Statistic"], alarm["Period"]) == ("Sum", 300)


def test_a_message_in_the_failure_queue_sets_off_an_alarm(default_stack: Stack) -> None:
    """One message is enough, and the alarm lasts for as long as it is there."""
    alarm = default_stack.properties("DeadLettersAlarm")
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/SQS", "ApproximateNumberOfMessagesVisible")
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": "FailureQueue.QueueName"}]
    assert (alarm["Statistic"], alarm["Period"]) == ("Maximum", 300)


def test_a_silent_function_sets_off_an_alarm(default_stack: Stack) -> None:
    """The alarm goes off when apps start, the rule matches, and the function logs nothing, for two hours in a row.

    In one hour alone, a start just before its end, or a metric that is late, would look the same.
    """
    alarm = default_stack.properties("NoSetupAlarm")
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (2, 2)
    silence, *inputs = alarm["Metrics"]
    assert silence["Expression"] == "IF(FILL(matched, 0) > 0 AND FILL(log_lines, 0) < 1, 1, 0)"
    assert "ReturnData" not in silence
    rule = [{"Name": "RuleName", "Value": "StudioSetupFunctionAppStarted"}]
    assert inputs == [
        {
            "Id": "matched",
            "ReturnData": False,
            "MetricStat": {
                "Metric": {"Namespace": "AWS/Events", "MetricName": "TriggeredRules", "Dimensions": rule},
                "Period": 3600,
                "Stat": "Sum",
            },
        },
        {
            "Id": "log_lines",
            "ReturnData": False,
            "MetricStat": {
                "Metric": {"Namespace": NAMESPACE, "MetricName": "SetupLogLines"},
                "Period": 3600,
                "Stat": "Sum",
            },
        },
    ]


def test_the_alarm_on_silence_can_be_left_out(deploy: Deploy) -> None:
    """AlarmOnSilence=false leaves out that alarm, on the dashboard too, and nothing else."""
    stack = deploy(AlarmOnSilence="false")
    assert deploy().resources.keys() - stack.resources.keys() == {"NoSetupAlarm"}
    (alarms,) = (
        widget["properties"]["alarms"]
        for widget in json.loads(stack.properties("Dashboard")["DashboardBody"])["widgets"]
        if widget["type"] == "alarm"
    )
    assert set(alarms) == {f"{name}.Arn" for name in ALARMS - {"NoSetupAlarm"}}


def test_a_reconcile_function_that_fails_sets_off_an_alarm(reconciling_stack: Stack) -> None:
    """So does a run that EventBridge could not hand to it; there is one alarm for both, and the next run may end it."""
    total, *inputs = reconciling_stack.properties("ReconcileAlarm")["Metrics"]
    assert total["Expression"] == "FILL(errors, 0) + FILL(not_invoked, 0)"
    assert "ReturnData" not in total
    function = [{"Name": "FunctionName", "Value": "ReconcileFunction"}]
    rule = [{"Name": "RuleName", "Value": "ReconcileFunctionSchedule"}]
    assert inputs == [
        {
            "Id": "errors",
            "ReturnData": False,
            "MetricStat": {
                "Metric": {"Namespace": "AWS/Lambda", "MetricName": "Errors", "Dimensions": function},
                "Period": 300,
                "Stat": "Sum",
            },
        },
        {
            "Id": "not_invoked",
            "ReturnData": False,
            "MetricStat": {
                "Metric": {"Namespace": "AWS/Events", "MetricName": "FailedInvocations", "Dimensions": rule},
                "Period": 300,
                "Stat": "Sum",
            },
        },
    ]


def test_the_reconcile_function_is_on_the_dashboard(widgets: dict[str, dict[str, Any]], deploy: Deploy) -> None:
    """Its runs and errors are in the graph of the functions, its alarm among the alarms, where there is one."""
    body = json.loads(
        deploy(ReconcileSchedule="rate(1 hour)", AlarmOnSilence="false").properties("Dashboard")["DashboardBody"]
    )
    shown = {widget["properties"]["title"]: widget["properties"] for widget in body["widgets"]}
    expected = (ALARMS | {"ReconcileAlarm"}) - {"NoSetupAlarm"}
    assert set(shown["Alarms"]["alarms"]) == {f"{name}.Arn" for name in expected}
    own = widgets["The function"]["properties"]["metrics"]
    assert shown["The function"]["metrics"][: len(own)] == own
    assert [metric[:4] for metric in shown["The function"]["metrics"][len(own) :]] == [
        ["AWS/Lambda", "Invocations", "FunctionName", "ReconcileFunction"],
        [".", "Errors", ".", "."],
    ]


def test_every_alarm_is_off_without_data_and_says_what_to_do(default_stack: Stack, reconciling_stack: Stack) -> None:
    """Any value above zero sets it off, missing data does not, and its text says where to look."""
    assert default_stack.of_type("AWS::CloudWatch::Alarm").keys() == ALARMS
    alarms = reconciling_stack.of_type("AWS::CloudWatch::Alarm")
    assert alarms.keys() == ALARMS | {"ReconcileAlarm"}
    for name, resource in alarms.items():
        alarm = resource["Properties"]
        assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)
        assert alarm["EvaluationPeriods"] == (2 if name == "NoSetupAlarm" else 1)
        assert alarm["TreatMissingData"] == "notBreaching"
        assert "Look " in alarm["AlarmDescription"]


def test_alarms_read_metrics_that_exist(default_stack: Stack, metrics: dict[str, dict[str, Any]]) -> None:
    """A metric renamed on one side only would leave an alarm without data."""
    text = json.dumps([alarm["Properties"] for alarm in default_stack.of_type("AWS::CloudWatch::Alarm").values()])
    assert set(re.findall(r'"(Setup\w+)"', text)) <= metrics.keys()


@pytest.mark.parametrize(
    ("parameters", "actions"),
    [
        ({}, []),
        ({"AlarmEmail": "ops@example.com"}, ["AlarmTopic"]),
        ({"AlarmTopicArn": "arn:aws:sns:us-east-1:111122223333:own"}, ["arn:aws:sns:us-east-1:111122223333:own"]),
        (
            {"AlarmEmail": "ops@example.com", "AlarmTopicArn": "arn:aws:sns:us-east-1:111122223333:own"},
            ["AlarmTopic", "arn:aws:sns:us-east-1:111122223333:own"],
        ),
    ],
)
def test_alarms_go_where_they_are_wanted(deploy: Deploy, parameters: dict[str, str], actions: list[str]) -> None:
    """Every alarm notifies the stack's topic, one's own topic, both, or nobody."""
    alarms = deploy(**parameters, ReconcileSchedule="rate(1 hour)").of_type("AWS::CloudWatch::Alarm")
    for resource in alarms.values():
        assert resource["Properties"]["AlarmActions"] == actions


def test_topic_and_key_exist_only_with_an_address(deploy: Deploy, full_stack: Stack) -> None:
    """Without AlarmEmail there is no topic, no key to pay for, and no output."""
    without = deploy()
    assert full_stack.resources.keys() - without.resources.keys() == {
        "AlarmTopic",
        "AlarmTopicKey",
        "AlarmTopicPolicy",
        "AlarmSubscription",
    }
    assert full_stack.outputs.keys() - without.outputs.keys() == {"AlarmTopicArn"}


def test_the_topic_notifies_the_address(full_stack: Stack) -> None:
    """The one subscription is the e-mail address."""
    assert full_stack.properties("AlarmSubscription") == {
        "TopicArn": "AlarmTopic",
        "Protocol": "email",
        "Endpoint": "ops@example.com",
    }


def test_only_this_stacks_alarms_may_use_topic_and_key(full_stack: Stack) -> None:
    """CloudWatch may publish and encrypt for alarms of this stack alone: no other alarm, no other account."""
    pinned = {
        "StringEquals": {"aws:SourceAccount": "111122223333"},
        "ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:us-east-1:111122223333:alarm:studio-setup-*"},
    }
    refuse, publish = full_stack.properties("AlarmTopicPolicy")["PolicyDocument"]["Statement"]
    own, encrypt = full_stack.properties("AlarmTopicKey")["KeyPolicy"]["Statement"]
    assert publish == {
        "Sid": "AlarmsOfThisStack",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": "AlarmTopic",
        "Condition": pinned,
    }
    assert encrypt["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert encrypt["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    assert encrypt["Condition"] == pinned
    assert own["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}
    assert (refuse["Effect"], refuse["Principal"]) == ("Deny", "*")
    assert refuse["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    for resource in full_stack.of_type("AWS::CloudWatch::Alarm").values():
        assert resource["Properties"]["AlarmName"].startswith("studio-setup-")


def test_the_topic_is_encrypted_with_a_key_that_cloudwatch_may_use(full_stack: Stack) -> None:
    """With SNS's own key no alarm would arrive. The key is rotated, and deleted with the stack."""
    assert full_stack.properties("AlarmTopic")["KmsMasterKeyId"] == "AlarmTopicKey"
    assert full_stack.properties("AlarmTopicKey")["EnableKeyRotation"] is True
    assert full_stack.resources["AlarmTopicKey"]["DeletionPolicy"] == "Delete"


def test_the_dashboard_shows_the_state_at_a_glance(widgets: dict[str, dict[str, Any]]) -> None:
    """It has alarms, outcomes, starts, percentiles, the failure queue, the last failures, codes and the function."""
    assert list(widgets) == [
        "Alarms",
        "How setups ended",
        "App starts",
        "Seconds a setup takes",
        "Seconds until the app is in service",
        "App starts given up: messages in the failure queue",
        "The last failures",
        "Outcomes and their codes",
        "The function",
    ]
    assert set(widgets["Alarms"]["properties"]["alarms"]) == {f"{name}.Arn" for name in ALARMS}


def test_the_dashboard_shows_every_outcome_counted(widgets: dict[str, dict[str, Any]]) -> None:
    """Each outcome's metric is in the graph, from this stack's namespace."""
    graph = widgets["How setups ended"]["properties"]["metrics"]
    assert [metric[1] for metric in graph] == list(COUNTED)
    assert [metric[0] for metric in graph] == [NAMESPACE, ".", ".", ".", "."]


@pytest.mark.parametrize(
    ("title", "metric"),
    [("Seconds a setup takes", "SetupSeconds"), ("Seconds until the app is in service", "WaitedSeconds")],
)
def test_the_dashboard_shows_percentiles(widgets: dict[str, dict[str, Any]], title: str, metric: str) -> None:
    """The median, the 90th and the 99th percentile are in the graph."""
    first, *others = widgets[title]["properties"]["metrics"]
    assert first[:2] == [NAMESPACE, metric]
    assert [line[0] for line in others] == ["...", "..."]
    assert [line[-1]["stat"] for line in (first, *others)] == ["p50", "p90", "p99"]


def test_the_last_failures_are_found_in_the_log(widgets: dict[str, dict[str, Any]]) -> None:
    """The query reads this function's log, shows which app failed, and names every outcome that is an error."""
    query = widgets["The last failures"]["properties"]["query"]
    assert query.startswith("SOURCE 'StudioSetupLogGroup' | fields ")
    assert "app" in Query(query).fields
    (listed,) = re.findall(r"outcome in \[(.*)\]", query)
    assert set(listed.replace("'", "").split(", ")) == {outcome for outcome in Outcome if outcome.is_error}


def test_the_metrics_read_declared_fields(metrics: dict[str, dict[str, Any]]) -> None:
    """Every event that a filter looks for is declared, with every field that the filter or the metric reads."""
    for name, found in metrics.items():
        fields = set(re.findall(r"\$\.([a-z_.]+)", found["pattern"] + " " + found["MetricValue"]))
        for message in re.findall(r'\$\.message = "([^"]+)"', found["pattern"]):
            assert fields <= declared_fields(message), (name, message)


def test_the_dashboards_queries_read_declared_fields(widgets: dict[str, dict[str, Any]]) -> None:
    """Every event that a query looks for is declared; every field is one of its, or Logs Insights' own `@timestamp`."""
    queries = [Query(widget["properties"]["query"]) for widget in widgets.values() if widget["type"] == "log"]
    assert len(queries) == 2
    for query in queries:
        assert query.messages
        declared = set().union(*(declared_fields(message) for message in query.messages))
        assert query.fields - {"@timestamp"} <= declared


def test_no_widget_hides_another(widgets: dict[str, dict[str, Any]]) -> None:
    """Every widget is within the grid's 24 columns and none lies on another."""
    cells: set[tuple[int, int]] = set()
    for widget in widgets.values():
        columns = range(widget["x"], widget["x"] + widget["width"])
        own = {(x, y) for x in columns for y in range(widget["y"], widget["y"] + widget["height"])}
        assert max(columns) < 24
        assert not cells & own
        cells |= own


def test_the_dashboard_can_be_left_out(deploy: Deploy) -> None:
    """CreateDashboard=false leaves out the dashboard and its output, and nothing else."""
    stack = deploy(CreateDashboard="false")
    assert deploy().resources.keys() - stack.resources.keys() == {"Dashboard"}
    assert deploy().outputs.keys() - stack.outputs.keys() == {"DashboardUrl"}


def test_the_costs_of_the_readme_are_those_of_the_stack(
    default_stack: Stack, reconciling_stack: Stack, metrics: dict[str, dict[str, Any]]
) -> None:
    """The numbers of metrics, of alarms and of the metrics that these look at."""
    numbers = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]

    def looked_at(stack: Stack) -> int:
        alarms = [alarm["Properties"] for alarm in stack.of_type("AWS::CloudWatch::Alarm").values()]
        return sum(max(1, sum("MetricStat" in metric for metric in alarm.get("Metrics", []))) for alarm in alarms)

    alarms = len(default_stack.of_type("AWS::CloudWatch::Alarm"))
    cost = (ROOT / "docs" / "cost.md").read_text(encoding="utf-8")
    said = " ".join(cost.split())
    assert f"{numbers[len(metrics)].capitalize()} metrics ($0.30 each)" in said
    assert f"{numbers[alarms]} alarms on {numbers[looked_at(default_stack)]} metrics ($0.10 each)" in said
    total = 0.3 * len(metrics) + 0.1 * looked_at(default_stack) + 3
    assert f"a dashboard ($3.00): ${total:.2f} a month" in said
    more = looked_at(reconciling_stack) - looked_at(default_stack)
    assert f"`ReconcileSchedule` adds an alarm on {numbers[more]} metrics" in said

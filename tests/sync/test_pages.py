"""Pages for reviews are self-contained, contain values only as data, and show no secrets."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
from dataclasses import replace
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from checkmk_sync import Checkmk
from checkmk_sync.client.nouns.activation import PendingChange
from checkmk_sync.client.outcomes import Outcome, Status
from checkmk_sync.config.secrets import SecretSource
from checkmk_sync.core.text import escape_invisible, first_invisible
from checkmk_sync.errors import CheckmkError
from checkmk_sync.sync import (
    Plan,
    Report,
    apply_plan,
    diff,
    from_data,
    make_plan,
    plan_as_html,
    report_as_html,
)
from checkmk_sync.sync.changes import Conflict
from checkmk_sync.testing import SimulatedSite
from tests.conftest import MakeClient
from tests.sync.test_plan import held, holding

HOSTILE = (
    *("<script>window.ran = 1</script>", "</script><script>window.ran = 1</script>", "<!--<script>", "]]>"),
    *("<img src=x onerror='window.ran = 1'>", "javascript:window.ran=1", "' onmouseover='window.ran = 1", "&lt;b&gt;"),
    *("{{data}}{{script}}", "\u202egnp.exe", "a\u200b\u2066b\u2069\ufeff", "\u2028\u2029", "\x00\x1b[31m", "\ud800"),
    *("x" * 10_000, "one\ntwo", "\u05d0\u05d1\u05d2 \U0001f600"),
)
VALUES = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=20))


def parts(page: str) -> tuple[str, str, Any]:
    """Return the text before and after the data of a page, and the data."""
    before, tag, rest = page.partition('<script type="application/json" id="data">')
    data, end, after = rest.partition("</script>")
    return before + tag, end + after, json.loads(data)


def plan_with(text: str) -> Plan:
    """Return a plan that shows a text at every place."""
    attributes = {"alias": text, "custom": {"inner": [text]}, "other": "new"}
    desired = from_data({"hosts": [{"name": "a", "attributes": attributes}, {"name": "b", "attributes": attributes}]})
    plan = diff(desired, holding(held("host", "a", attributes__other=text)))
    return replace(
        plan,
        owner=text,
        site=text,
        user="me",
        conflicts=(Conflict("host", text, text, "already exists", "adopt it with --adopt", text),),
        warnings=(text,),
        pending=(PendingChange("1", text, text, text, ""), PendingChange("2", "me", text, text, "")),
        undiscovered=(text,),
        silent=(text,),
        changes=tuple(replace(change, location=text, after=(text,)) for change in plan.changes),
    )


def report_with(text: str) -> Report:
    plan = plan_with(text)
    results = [(change, Outcome(change.key, Status.NOT_APPLIED, note=text)) for change in plan.changes]
    return Report(plan, results, without_services=(text,), not_monitored=(text,), errors={"apply": CheckmkError(text)})


@functools.cache
def _around_the_data() -> tuple[str, str]:
    return parts(plan_as_html(plan_with("")))[:2]


@settings(max_examples=8)
@given(VALUES)
@example("".join(HOSTILE))
def test_values_are_only_in_the_data(text: str) -> None:
    """The rest of a page is the same for all values, so it is enough to review it once."""
    for page in (plan_as_html(plan_with(text), command=text), report_as_html(report_with(text))):
        before, after, data = parts(page)
        assert (before, after) == _around_the_data()
        assert page.encode()  # no character that cannot be written to a file
        raw = page[len(before) : len(page) - len(after)]
        assert not re.search("[<>&\u2028\u2029]", raw)
        assert first_invisible(raw) is None
        shown = escape_invisible(text, keep="\n")
        rows = {entry["name"]: {row[0]: row[1:] for row in entry["rows"]} for entry in data["entries"]}
        assert rows["b"]["alias"] == [None, shown]
        assert rows["a"]["other"] == ([shown, "new"] if text != "new" else rows["a"]["other"])
        assert data["plan"]["warnings"] == [shown]
        assert data["plan"]["conflicts"][0].startswith(f"host {shown}")


def test_a_page_loads_and_runs_nothing_but_its_own_script() -> None:
    page = plan_as_html(plan_with("x"))
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    for name, tag in (("script-src", "script"), ("style-src", "style")):
        (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.S)
        assert rules[name] == f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
    assert re.findall(r"""(?:src|href|action)=["']([^"']*)""", page) == ["data:,"]
    assert not re.findall(r"""\s(?:on\w+|style)=["']|url\(|@import|https?://""", page)


def test_the_script_never_turns_text_into_html() -> None:
    page = plan_as_html(plan_with("x"))
    assert not re.findall(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function|fetch\(|XMLHttp", page
    )


def test_the_page_of_a_plan_has_values_before_and_after() -> None:
    now = held("host", "a", owner="me", attributes__alias="old", attributes__snmp_community={"community": "geheim"})
    gone = held("host", "gone", owner="me", folder="/linux", attributes__alias="Gone", labels__env="prod")
    there = holding(*(replace(found, meta={"created_by": "auto"}) for found in (now, gone)))
    inventory = {
        "hosts": [{"name": "a", "attributes": {"alias": "new", "contactgroups": {"groups": ["all"]}}}],
        "folders": [{"path": "/linux", "title": "Linux"}],
    }
    plan = diff(from_data(inventory), replace(there, user="auto"), owner="me")
    plan = replace(plan, changes=tuple(replace(change, location="cmdb.csv:2") for change in plan.changes))
    entries = {(entry["action"], entry["name"]): entry for entry in parts(plan_as_html(plan))[2]["entries"]}
    update = entries["update", "a"]
    assert update["rows"] == [["alias", "old", "new"], ["contactgroups", None, '{"groups": ["all"]}']]
    assert (update["kind"], update["folder"], update["place"]) == ("host", "/", "cmdb.csv:2")
    deletion = entries["delete", "gone"]
    assert deletion["folder"] == "/linux", "the folder from which it is deleted"
    assert ["alias", "Gone", None] in deletion["rows"] and ["label env", "prod", None] in deletion["rows"]
    assert (entries["create", "/linux"]["folder"], entries["create", "/linux"]["rows"]) == (
        "/linux",
        [["title", None, "Linux"]],
    )


def test_the_page_of_a_plan_has_its_limits_refusal_and_checksum() -> None:
    plan = plan_with("x")
    _, _, data = parts(plan_as_html(plan, command="checkmk-sync apply hosts.yaml"))
    facts = data["plan"]
    assert data["command"] == "checkmk-sync apply hosts.yaml"
    assert (facts["checksum"], facts["limits"]) == (plan.checksum, {"changes": "30 %", "deletions": "10 %"})
    assert facts["refused"] == str(plan.refusal())
    assert (facts["foreign"], facts["own"]) == (["x: x: x"], ["me: x: x"])
    assert parts(plan_as_html(replace(plan, owner="c m")))[2]["command"] == "checkmk-sync apply INVENTORY --owner 'c m'"


def test_pages_show_no_secrets(site: SimulatedSite, connect: MakeClient) -> None:
    cmk: Checkmk = connect(site, secrets={"community": SecretSource(value="hunter2")})
    pages = []
    for secret in ("secret:community", "hunter3", None):
        snmp = None if secret is None else {"type": "v1_v2_community", "community": secret}
        host = {"name": "a", "attributes": {"snmp_community": snmp}}
        password = {"name": "p", "title": "P", "owner": "admin", "password": secret or "hunter4", "shared": []}
        inventory: dict[str, Any] = {"hosts": [host], "passwords": [password]}
        plan = make_plan(cmk, from_data(inventory), owner="me", discover=False)
        report = apply_plan(cmk, plan)
        assert report.ok, report.to_dict()
        pages += [plan_as_html(plan), report_as_html(report)]
    gone = make_plan(cmk, from_data({"hosts": [{"name": "b"}], "passwords": []}), owner="me", discover=False)
    pages.append(plan_as_html(gone))
    assert not [page for page in pages if "hunter" in page]


def test_the_page_of_a_report_has_every_outcome() -> None:
    plan = plan_with("x")
    results = [
        (change, Outcome(change.key, status, note=note))
        for change, status, note in zip(plan.changes, (Status.UNKNOWN, Status.APPLIED), ("the answer was lost", ""))
    ]
    report = Report(plan, results, discovered=2, errors={"activation": CheckmkError("no licence")}, elapsed_s=1.5)
    _, _, data = parts(report_as_html(report))
    assert [(entry["tag"], entry["note"]) for entry in data["entries"]] == [
        ("unknown", "the answer was lost; second step, after x"),
        ("applied", "second step, after x"),
    ]
    assert data["report"]["counts"] == {"applied": 1, "not applied": 0, "unknown": 1}
    assert data["report"]["errors"] == {"activation": "no licence"}
    assert (data["report"]["discovered"], data["report"]["elapsed_s"]) == (2, 1.5)
    assert parts(report_as_html(Report.of_nothing(plan)))[2]["entries"] == []

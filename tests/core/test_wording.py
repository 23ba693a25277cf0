"""Messages are short, counts agree with their nouns, and hints name the next step."""

from __future__ import annotations

from typing import Any

import pytest

from checkmk_sync import Checkmk, unhandled_host_problems
from checkmk_sync.core.call import Call, CallKind
from checkmk_sync.core.redaction import Redactor
from checkmk_sync.errors import MissingExtraError, WaitTimeoutError
from checkmk_sync.http.error_replies import error_from_reply
from checkmk_sync.sync import apply_plan, from_data, make_plan, plan_as_text, report_as_text
from checkmk_sync.testing import ManualClock, SimulatedSite


def test_counts_agree_with_their_nouns(site: SimulatedSite, cmk: Checkmk, connect: Any) -> None:
    site.add_user("carol", "carols-secret")
    connect(site, username="carol").hosts.create("hers")
    plan = make_plan(cmk, from_data({"hosts": [{"name": "web01"}]}))
    assert "\n1 pending change of other users; apply needs --force-foreign" in plan_as_text(plan)
    report = report_as_text(apply_plan(cmk, plan))
    assert "Discovery: 1 host scanned" in report
    assert "1 pending change is from carol" in report


def test_results_of_many_hosts_have_a_short_repr(site: SimulatedSite, cmk: Checkmk) -> None:
    names = [outcome.key for outcome in cmk.hosts.bulk_create({"host_name": f"h{n}"} for n in range(1000)).applied]
    for result in (cmk.discovery.bulk(names), cmk.activation.activate()):
        assert len(repr(result)) < 300


def test_the_error_names_hosts_that_are_not_loaded(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.create("there")
    with pytest.raises(WaitTimeoutError, match="are active, but these hosts are not configured: nope$"):
        cmk.activation.activate(wait_for_hosts=["there", "nope"], timeout_s=5)
    with pytest.raises(WaitTimeoutError, match="not loaded: n0, n1, n2, n3, n4 and 5 more"):
        cmk.activation.wait_until_monitored([f"n{n}" for n in range(10)], timeout_s=5)


def test_a_column_that_was_not_requested_is_an_error_with_a_hint(clock: ManualClock) -> None:
    with SimulatedSite(hosts=1, clock=clock) as site, site.client(clock=clock) as cmk:
        with pytest.raises(KeyError, match=r"give columns=\['last_check'\]"):
            cmk.host_status.get("host00000")["last_check"]


def test_two_kinds_of_changes_are_refused_with_a_hint(cmk: Checkmk) -> None:
    with pytest.raises(ValueError, match="a change function, from all attributes to all attributes, can combine them"):
        cmk.hosts.update("x", update_attributes={"alias": "y"}, remove_attributes=["ipaddress"])


def test_a_missing_extra_names_the_commands_for_an_index_and_a_checkout() -> None:
    said = str(MissingExtraError("This", "cli"))
    assert "pip install 'checkmk_sync[cli]'" in said
    assert "pip install '.[cli]'" in said


@pytest.mark.parametrize(
    "body",
    [
        b"<title>Service Unavailable</title><h1>Service Unavailable</h1>Checkmk: Site Not Started",
        b"<title>503 Service Unavailable</title><h1>Service Unavailable</h1><p>Checkmk: Site Not Started</p>",
        b"Checkmk: Site Not Started",
    ],
)
def test_the_text_of_an_error_page_is_quoted_once(body: bytes) -> None:
    error = error_from_reply(
        503, {}, body, call=Call("GET", "/version", CallKind.POLL, "site", "version"), redact=Redactor(())
    )
    assert str(error) == "503 Service Unavailable: Checkmk: Site Not Started (GET /version)"


def test_unhandled_host_problems_are_neither_acknowledged_nor_in_downtime(site: SimulatedSite, cmk: Checkmk) -> None:
    site.seed_monitoring(
        {
            "hosts": [
                {"name": "up"},
                {"name": "pending", "has_been_checked": 0},
                {"name": "down", "state": 1},
                {"name": "unreachable", "state": 2},
                {"name": "known", "state": 1, "acknowledged": 1},
                {"name": "planned", "state": 1, "scheduled_downtime_depth": 1},
            ],
            "services": [],
        }
    )
    found = cmk.host_status.each(query=unhandled_host_problems())
    assert sorted(host.name for host in found) == ["down", "unreachable"]

"""A host that is not monitored is explained, with the next step."""

from __future__ import annotations

import pytest

from checkmk_sync import Checkmk, diagnose_host
from checkmk_sync.testing import ManualClock, SimulatedSite


@pytest.fixture
def site(clock: ManualClock) -> object:
    with SimulatedSite(clock=clock, hosts=2, services=6) as running:
        yield running


def _found(cmk: Checkmk, host: str) -> list[str]:
    return [" | ".join(filter(None, finding)) for finding in diagnose_host(cmk, host)]


def test_each_step_from_an_unknown_host_to_a_monitored_one(cmk: Checkmk, clock: ManualClock) -> None:
    assert _found(cmk, "new") == ["new is not configured | create it: checkmk-sync hosts create new"]
    cmk.hosts.create("new", "/", {"tag_criticality": "offline"})
    tag, changes = _found(cmk, "new")
    assert tag.endswith("change it: checkmk-sync hosts update new --attribute tag_criticality=prod")
    assert changes == "new in / is configured, but not activated: 1 pending change | run: checkmk-sync activate"
    cmk.activation.activate()
    assert _found(cmk, "new") == [tag]
    cmk.hosts.update("new", lambda found: {**found, "tag_criticality": "prod"})
    cmk.activation.activate()
    (services,) = [line for line in _found(cmk, "new") if "discovery" in line]
    assert services.startswith("the discovery has found ")
    assert services.endswith("not monitored yet | run: checkmk-sync discover new")
    cmk.discovery.bulk(["new"]).raise_for_failure()
    assert "the configuration has 4 services not activated yet | run: checkmk-sync activate" in _found(cmk, "new")
    cmk.activation.activate()
    clock.advance(600)
    assert _found(cmk, "new") == ["new is monitored, and it is UP"]


def test_a_failing_agent_and_a_stopped_site_are_reasons(site: SimulatedSite, cmk: Checkmk) -> None:
    services = [{"host_name": "host00000", "description": "Check_MK", "state": 2, "plugin_output": "timeout"}]
    site.seed_monitoring(
        {"hosts": [{"name": "host00000", "state": 1, "plugin_output": "no route"}], "services": services}
    )
    assert _found(cmk, "host00000")[:2] == [
        "host00000 is DOWN: no route",
        "the agent does not answer as expected: timeout | check the agent on the host",
    ]
    site.seed_monitoring({"hosts": [], "services": []})
    (line,) = _found(cmk, "host00001")
    assert line.startswith("host00001 in / is configured and activated, but no running site reports it | check whether")

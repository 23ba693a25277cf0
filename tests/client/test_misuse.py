"""Arguments of a wrong type or shape are refused before anything is sent, and the error names them."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from checkmk_sync import Checkmk, Host, HostState, ServiceState, column
from checkmk_sync.errors import SettingsError
from checkmk_sync.services import StreamingServiceService
from checkmk_sync.testing import SimulatedSite

SET: Any = {1}
Misuse = Callable[[Any], Any]


@pytest.fixture
def three(site: SimulatedSite, cmk: Checkmk) -> SimulatedSite:
    cmk.hosts.bulk_create([{"host_name": name} for name in ("w", "1", "w1")])
    return site


@pytest.mark.parametrize(
    ("misuse", "said"),
    [
        (lambda cmk: cmk.hosts.bulk_delete("w1"), "names must be a list"),
        (lambda cmk: cmk.hosts.bulk_create({"host_name": "x"}), "hosts must be a list of mappings, not a mapping"),
        (lambda cmk: cmk.hosts.bulk_update({"host_name": "x"}), "changes must be a list of mappings, not a mapping"),
        (lambda cmk: cmk.hosts.each(names="w1"), "names must be a list"),
        (lambda cmk: cmk.hosts.update("w1", remove_attributes="alias"), "remove_attributes must be a list"),
        (lambda cmk: cmk.discovery.bulk("w1"), "hosts must be a list"),
        (lambda cmk: cmk.services.each(columns="plugin_output"), "columns must be a list"),
        (lambda cmk: cmk.services.get("w1", "CPU load", "plugin_output"), "columns must be a list"),
        (lambda cmk: cmk.host_status.each(sites="s"), "sites must be a list"),
        (lambda cmk: cmk.activation.activate(sites="s"), "sites must be a list"),
        (lambda cmk: cmk.activation.activate(wait_for_hosts="w1"), "wait_for_hosts must be a list"),
        (lambda cmk: cmk.activation.wait_until_monitored("w1"), "names must be a list"),
        (lambda cmk: cmk.host_status.monitored("w1"), "names must be a list"),
        (lambda _cmk: column("host_name").one_of("w1"), "values must be a list"),
    ],
)
def test_a_string_is_not_accepted_as_a_list(three: SimulatedSite, cmk: Checkmk, misuse: Misuse, said: str) -> None:
    before = len(three.requests)
    with pytest.raises(TypeError, match=said):
        misuse(cmk)
    assert len(three.requests) == before
    assert set(three.state.configuration.hosts) == {"w", "1", "w1"}


@pytest.mark.parametrize(
    ("misuse", "kind", "said"),
    [
        (lambda cmk: cmk.hosts.update("w1", {"alias": "x"}), TypeError, "give update_attributes"),
        (lambda cmk: cmk.folders.update("/", {"alias": "x"}), TypeError, "give update_attributes"),
        (lambda cmk: cmk.hosts.update("w1", lambda _found: None), TypeError, "must return all attributes, not None"),
        (lambda cmk: cmk.hosts.update("w1", lambda found: {**found, "alias": SET}), ValueError, "alias.*w1.*set"),
        (lambda cmk: cmk.hosts.update("w1", update_attributes={"alias": SET}), ValueError, "alias.*w1.*set"),
        (lambda cmk: cmk.hosts.create("x", "/", {"alias": SET}), ValueError, "alias.*'x'.*set"),
        (lambda cmk: cmk.hosts.create("x", "/", {"alias": float("nan")}), ValueError, "alias.*'x'"),
        (lambda cmk: cmk.hosts.bulk_create([Host("x", "/", {"alias": SET})]), ValueError, "item 0.*alias.*'x'.*set"),
        (
            lambda cmk: cmk.hosts.ensure("w1", attributes={"folder": "/x"}),
            ValueError,
            "give it as the argument folder=",
        ),
        (lambda cmk: cmk.folders.ensure("/", attributes={"title": "x"}), ValueError, "give it as the argument title="),
        (lambda cmk: cmk.hosts.create("x", "/", "alias"), TypeError, "'x'.*mapping"),
        (lambda cmk: cmk.folders.create("/x", attributes={"labels": SET}), ValueError, "labels.*/x.*set"),
        (lambda cmk: cmk.services.each(query="state > 0"), TypeError, "query must be a Filter"),
        (lambda cmk: cmk.services.few(None), TypeError, "query must be a Filter"),
        (lambda cmk: cmk.host_status.each(query={"op": "="}), TypeError, "query must be a Filter"),
        (lambda cmk: cmk.cache_generation("host"), ValueError, "unknown noun 'host'; did you mean 'hosts'"),
        (lambda cmk: cmk.cache_generation("zzz"), ValueError, "unknown noun 'zzz'; use one of: .*hosts, "),
        (lambda _cmk: Checkmk("http://localhost", "s", "u", "x", timeouts={"read": 3}), SettingsError, "'read_s'"),
        (lambda _cmk: Checkmk("http://localhost", "s", "u", "x", timeout=3), TypeError, "'timeouts'"),
        (lambda _cmk: Checkmk("http://localhost", "s", "u", "x", timeouts=3), SettingsError, "timeouts"),
    ],
)
def test_malformed_arguments_are_named_in_the_error(
    three: SimulatedSite, cmk: Checkmk, misuse: Misuse, kind: type[Exception], said: str
) -> None:
    before = three.state.configuration.changes.copy()
    with pytest.raises(kind, match=said):
        misuse(cmk)
    assert three.state.configuration.changes == before


@pytest.mark.parametrize(
    "critical",
    [
        ServiceState.CRITICAL,
        "critical",
        "CRITICAL",
        "Crit",
        "c",
        2,
        ["critical"],
        [ServiceState.CRITICAL],
        [2],
        ("crit",),
    ],
)
def test_states_are_accepted_by_name_and_number(connect: Any, critical: Any) -> None:
    with SimulatedSite(hosts=20, services=10) as site:
        cmk = connect(site)
        wanted = {(s.host_name, s.name) for s in cmk.services.each() if s.state is ServiceState.CRITICAL}
        assert {(s.host_name, s.name) for s in cmk.services.each(state=critical)} == wanted != set()
        ups = sum(host.state is HostState.UP for host in cmk.host_status.each())
        for up in ("up", "UP", 0, [0], ["Up", "unreach"], {0, 2}):
            assert len(list(cmk.host_status.each(state=up))) == ups
        (page, *_) = StreamingServiceService(cmk).list_all_services_streamed(state_filter=["Ok", 2])
        assert {service.state.value for service in page.items} == {0, 2}
        assert not list(cmk.services.each(state=-1))


@pytest.mark.parametrize(
    "misuse",
    [
        lambda cmk: cmk.services.each(state="bad"),
        lambda cmk: cmk.services.each(state=""),
        lambda cmk: cmk.services.each(state=4),
        lambda cmk: cmk.services.each(state=True),
        lambda cmk: cmk.services.each(state=2.0),
        lambda cmk: cmk.services.each(state=[2, "ok", None]),
        lambda cmk: cmk.services.each(state=b"ok"),
        lambda cmk: cmk.host_status.each(state="u"),
        lambda cmk: cmk.host_status.each(state=3),
        lambda cmk: cmk.services.each(state=HostState.DOWN),
        lambda _cmk: column("state") == "CRIT",
        lambda _cmk: column("host_state") != "DOWN",
        lambda _cmk: column("last_hard_state").one_of(["CRIT"]),
    ],
)
def test_an_unknown_state_raises_an_error_with_the_known_ones(cmk: Checkmk, misuse: Misuse) -> None:
    with pytest.raises(ValueError, match="ServiceState|HostState"):
        misuse(cmk)
    with pytest.raises(
        ValueError, match=r"the values of HostState are UP \(0\), DOWN \(1\), UNREACHABLE \(2\), PENDING \(-1\)"
    ):
        cmk.host_status.each(state=ServiceState.OK)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'u' is ambiguous; use UP or UNREACHABLE"):
        cmk.host_status.each(state="u")


def test_numbers_of_states_may_be_strings() -> None:
    assert (column("state") == "2") == (column("state") == 2)

"""Malformed rows of the monitoring state raise UnexpectedReplyError, which names the mistake."""

from __future__ import annotations

import copy
import pickle
from typing import Any, Iterator

import pytest
import responses

from checkmk_sync import Checkmk, HostState, ServiceState
from checkmk_sync.client.records import HostStatus, ServiceStatus
from checkmk_sync.errors import UnexpectedReplyError

BASE = "https://mon.example.com/prod/check_mk/api/1.0"
HOSTS, SERVICES = f"{BASE}/domain-types/host/collections/all", f"{BASE}/domain-types/service/collections/all"
OF_HOST = f"{BASE}/objects/host/h/collections/services"
HOST = {"name": "h", "state": 0, "has_been_checked": 1}
SERVICE = {"host_name": "h", "description": "CPU load", "state": 2, "has_been_checked": 1}
COUNTED = {"name": "h", "num_services": 3}


@pytest.fixture
def site() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(f"{BASE}/version", json={"site": "s", "edition": "cre", "versions": {"checkmk": "2.4.0p18"}})
        yield mock


@pytest.fixture
def cmk() -> Iterator[Checkmk]:
    with Checkmk("https://mon.example.com", "prod", "automation", "geheim") as client:
        yield client


def _list(*rows: Any) -> dict[str, Any]:
    return {"value": [{"id": "x", "links": [], "extensions": row} for row in rows]}


WRONG_STATES = [({"state": 9}, "an unknown state: 9"), ({"state": [1]}, "an unknown state: [1]")]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": 5}, "'extensions.name' in the answer must be a string"),
        ({"name": None}, "'extensions.name' in the answer must be a string"),
        *WRONG_STATES,
    ],
)
def test_a_malformed_host_raises_an_error(site: Any, cmk: Checkmk, change: Any, said: str) -> None:
    site.get(HOSTS, json=_list(HOST, {**HOST, **change}, HOST))
    with pytest.raises(UnexpectedReplyError, match=said.replace("[", r"\[")):
        list(cmk.host_status.each())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"host_name": 5}, "'extensions.host_name' in the answer must be a string"),
        ({"description": {}}, "'extensions.description' in"),
        *WRONG_STATES,
    ],
)
def test_a_malformed_service_raises_an_error(site: Any, cmk: Checkmk, change: Any, said: str) -> None:
    site.get(HOSTS, json=_list(COUNTED))
    site.get(SERVICES, json=_list(SERVICE, {**SERVICE, **change}, SERVICE))
    site.get(OF_HOST, json=_list(SERVICE, {**SERVICE, **change}))
    for host in (None, "h"):
        with pytest.raises(UnexpectedReplyError, match=said.replace("[", r"\[")):
            list(cmk.services.each(host=host))


@pytest.mark.parametrize("column", list(SERVICE))
def test_a_missing_column_is_named_in_the_error(site: Any, cmk: Checkmk, column: str) -> None:
    without = {name: value for name, value in SERVICE.items() if name != column}
    site.get(HOSTS, json=_list(COUNTED))
    site.get(SERVICES, json=_list(SERVICE, without))
    with pytest.raises(UnexpectedReplyError, match=rf"'extensions.{column}'"):
        list(cmk.services.each())


@pytest.mark.parametrize("row", [None, 5, "text", [1], [["state", 1]]])
def test_a_row_that_is_not_an_object_raises_an_error(site: Any, cmk: Checkmk, row: Any) -> None:
    site.get(HOSTS, json=_list(HOST, row))
    with pytest.raises(UnexpectedReplyError, match="'extensions"):
        list(cmk.host_status.each())


@pytest.mark.parametrize(
    "counted",
    [
        {"name": "h"},
        {"num_services": 1},
        *({**COUNTED, "num_services": count} for count in ("3", None, [], 10**400)),
        *({**COUNTED, "name": name} for name in (5, None)),
        None,
        [1],
    ],
)
def test_a_malformed_service_count_raises_an_error(site: Any, cmk: Checkmk, counted: Any) -> None:
    site.get(HOSTS, json=_list(COUNTED, counted))
    with pytest.raises(UnexpectedReplyError, match=r"'extensions|not a string, or a count"):
        list(cmk.services.each())


@pytest.mark.parametrize("value", [None, 5, {}, "text"])
def test_services_that_are_not_a_list_raise_an_error(site: Any, cmk: Checkmk, value: Any) -> None:
    site.get(OF_HOST, json={"value": value})
    with pytest.raises(UnexpectedReplyError, match="'value' in the answer must be a list"):
        list(cmk.services.each(host="h"))


@pytest.mark.parametrize("value", [None, 5, {}, "text"])
def test_activations_that_are_not_a_list_raise_an_error(site: Any, cmk: Checkmk, value: Any) -> None:
    for name in ("pending_changes", "running"):
        site.get(f"{BASE}/domain-types/activation_run/collections/{name}", json={"value": value})
    for ask in (cmk.activation.pending, cmk.activation.running):
        with pytest.raises(UnexpectedReplyError, match="'value' in the answer must be a list"):
            ask()


def test_the_state_of_a_pending_host_is_not_checked(site: Any, cmk: Checkmk) -> None:
    site.get(HOSTS, json=_list({**HOST, "state": 9, "has_been_checked": 0}))
    assert [host.state for host in cmk.host_status.each()] == [HostState.PENDING]


def test_rows_are_immutable_and_compare_by_value() -> None:
    host, service = HostStatus.parse({"extensions": HOST}), ServiceStatus.parse({"extensions": SERVICE})
    assert (host.name, host.state) == ("h", HostState.UP)
    assert (service.host_name, service.name, service.state) == ("h", "CPU load", ServiceState.CRITICAL)
    assert host == HostStatus(HOST) == pickle.loads(pickle.dumps(host)) == copy.copy(host)
    assert host != service
    assert repr(host) == f"HostStatus(columns={HOST})"
    with pytest.raises(KeyError, match="give columns="):
        service["plugin_output"]
    with pytest.raises(AttributeError):
        host.columns = {}  # type: ignore[misc]

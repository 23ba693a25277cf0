"""Labels, addresses and names of hosts that only some versions of Checkmk accept, and names that no version accepts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.raw_requests import Raw
from tests.testing.request_bodies import SCAN
from tests.testing.test_values import (
    HOSTS,
    NET,
    STAR,
    WEB,
    assert_accepted,
    assert_refused,
    every,
    folder_calls,
    host_calls,
    raw,
    reset,
    said_of,
)

__all__ = ["every", "raw"]  # fixtures


def _major(raw: Raw) -> str:
    return str(raw.site.state.profile.version)[:3]


@pytest.mark.parametrize("labels", [{"a:b": "c"}, {"a": "b:c"}, {"cmk/os": "x::y"}, {":": ":"}])
def test_colons_in_labels_are_accepted_up_to_2_2(every: Raw, labels: Any) -> None:
    for calls in (host_calls({"labels": labels}), folder_calls({"labels": labels})):
        if _major(every) == "2.2":
            assert_accepted(every, calls)
            continue
        ((key, value),) = labels.items()
        said = {"key": [f"Invalid label key: {key!r}"], "value": [f"Invalid label value: {value!r}"]}
        kept = {part: said[part] for part, text in (("key", key), ("value", value)) if ":" in text}
        assert_refused(every, calls, {"labels": {key: kept}})


@pytest.mark.parametrize("name", ["ipaddress", "ipv6address", "management_address"])
def test_empty_addresses_are_accepted_from_2_3(every: Raw, name: str) -> None:
    calls = host_calls({name: ""})
    if _major(every) == "2.2":
        said = said_of(every, calls)[name]
        assert said[-1] == "Invalid hostaddress: ''"
        assert_refused(every, calls, {name: said})
    else:
        assert_accepted(every, calls)


@pytest.mark.parametrize("name", ["-web", ".web"])
def test_valid_first_characters_depend_on_the_version(every: Raw, name: str) -> None:
    reset(every)
    bodies: list[tuple[str, Any, list[str]]] = [
        ("/collections/all", {"host_name": name, "folder": "/"}, []),
        ("/collections/clusters", {"host_name": name, "folder": "/", "nodes": ["web"]}, []),
        ("/actions/bulk-create/invoke", {"entries": [{"host_name": name, "folder": "/"}]}, ["entries", "0"]),
    ]
    for path, body, place in bodies:
        answer = every("POST", HOSTS + path, json=body)
        if _major(every) == "2.2":
            assert answer.status_code == 200
            assert every("DELETE", f"/objects/host_config/{name}").status_code == 204
            continue
        said = answer.json()["fields"]
        for key in place:
            said = said[key]
        assert said == {"host_name": [f"Invalid hostaddress: {name!r}"]}


@pytest.mark.parametrize("name", ["", "a b", "a/b", "wéb", "web\n", "a:b", "web?", "x" * 241, 5, None, [], {}])
def test_invalid_host_names_are_refused(every: Raw, name: Any) -> None:
    bodies: list[tuple[str, str, Any]] = [
        ("POST", f"{HOSTS}/collections/all", {"host_name": name, "folder": "/"}),
        ("POST", f"{HOSTS}/collections/clusters", {"host_name": name, "folder": "/", "nodes": ["web"]}),
        ("POST", f"{HOSTS}/actions/bulk-create/invoke", {"entries": [{"host_name": name, "folder": "/"}]}),
        ("PUT", f"{HOSTS}/actions/bulk-update/invoke", {"entries": [{"host_name": name, "attributes": {}}]}),
        ("POST", f"{HOSTS}/actions/bulk-delete/invoke", {"entries": [name]}),
        ("PUT", f"{WEB}/actions/rename/invoke", {"new_name": name}),
        ("PUT", "/objects/host_config/clu/properties/nodes", {"nodes": [name]}),
    ]
    reset(every)
    cluster = {"host_name": "clu", "folder": "/", "nodes": ["web"]}
    assert every("POST", f"{HOSTS}/collections/clusters", json=cluster).status_code == 200
    for method, path, body in bodies:
        answer = every(method, path, STAR, json=body)
        assert answer.status_code == 400, (path, answer.text)
        assert answer.json()["fields"], path


def test_labels_and_scans_are_returned_as_stored(raw: Raw) -> None:
    reset(raw)
    scan = {key: SCAN[key] for key in ("addresses", "tag_criticality")}
    body = {"network_scan": {**scan, "time_allowed": [{"start": "12:00", "end": "13:15:59"}]}}
    stored = raw("PUT", NET, STAR, json={"attributes": body}).json()["extensions"]["attributes"]["network_scan"]
    assert stored["time_allowed"] == [{"start": "12:00:00", "end": "13:15:00"}]
    assert (stored["scan_interval"], stored["set_ip_address"], stored["max_parallel_pings"]) == (86400, True, 100)

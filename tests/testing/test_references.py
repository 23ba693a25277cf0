"""The simulated site checks references like Checkmk: a parent must exist when the call arrives."""

from __future__ import annotations

from typing import Any, Iterator

import pytest

from checkmk_sync.testing import ManualClock, SimulatedSite
from tests.testing.test_refusals import FOLDERS, HOSTS, Raw

BULK = "/domain-types/host_config/actions"
STAR = {"If-Match": "*"}
VERSIONS = ["2.2.0p44", "2.3.0p41", "2.4.0p18", "2.5.0p9"]


@pytest.fixture(params=VERSIONS)
def raw(request: pytest.FixtureRequest, clock: ManualClock) -> Iterator[Raw]:
    with SimulatedSite(request.param, clock=clock) as site:
        found = Raw(site)
        assert found("POST", HOSTS, json=_host("gw")).status_code == 200
        assert found("POST", HOSTS, json=_host("web", "gw")).status_code == 200
        assert found("POST", FOLDERS, json={"name": "net", "title": "Net", "parent": "/"}).status_code == 200
        yield found
        found.session.close()


def _host(name: str, *parents: str, folder: str = "/") -> dict[str, Any]:
    attributes = {"parents": list(parents)} if parents else {}
    return {"host_name": name, "folder": folder, "attributes": attributes}


MISSING = {"parents": ["gw", "nope"]}
CALLS: dict[str, tuple[str, str, Any]] = {
    "create": ("POST", HOSTS, {"host_name": "new", "folder": "/", "attributes": MISSING}),
    "cluster": (
        "POST",
        "/domain-types/host_config/collections/clusters",
        {"host_name": "new", "folder": "/", "nodes": ["web"], "attributes": MISSING},
    ),
    "set": ("PUT", "/objects/host_config/web", {"attributes": MISSING}),
    "update": ("PUT", "/objects/host_config/web", {"update_attributes": MISSING}),
    "folder": ("POST", FOLDERS, {"name": "x", "title": "X", "parent": "/", "attributes": MISSING}),
    "folder update": ("PUT", "/objects/folder_config/~net", {"update_attributes": MISSING}),
}


@pytest.mark.parametrize("name", CALLS)
def test_parents_must_exist(raw: Raw, name: str) -> None:
    method, path, body = CALLS[name]
    before = dict(raw.site.state.configuration.hosts), dict(raw.site.state.configuration.folders)
    answer = raw(method, path, STAR, json=body)
    assert answer.status_code == 400
    kind = next(kind for kind in ("attributes", "update_attributes") if kind in body)
    assert answer.json()["fields"] == {kind: {"parents": {"1": ["Host not found: 'nope'"]}}}
    assert (raw.site.state.configuration.hosts, raw.site.state.configuration.folders) == before


@pytest.mark.parametrize("parent_is", ["later", "earlier"])
def test_parents_must_exist_before_the_bulk_call(raw: Raw, parent_is: str) -> None:
    """The entire body is validated before the first entry is executed."""
    entries = [_host("child", "parent"), _host("parent"), _host("other")]
    body = {"entries": entries if parent_is == "later" else entries[::-1]}
    answer = raw("POST", f"{BULK}/bulk-create/invoke", json=body)
    assert answer.status_code == 400
    index = str(0 if parent_is == "later" else 2)
    assert answer.json()["fields"]["entries"] == {
        index: {"attributes": {"parents": {"0": ["Host not found: 'parent'"]}}}
    }
    assert set(raw.site.state.configuration.hosts) == {"gw", "web"}


def test_bulk_updates_accept_only_existing_parents(raw: Raw) -> None:
    body = {"entries": [{"host_name": "web", "update_attributes": {"parents": ["nope"]}}]}
    answer = raw("PUT", f"{BULK}/bulk-update/invoke", json=body)
    assert answer.status_code == 400
    said = answer.json()["fields"]["entries"]["0"]["update_attributes"]["parents"]
    assert said == {"0": ["Host not found: 'nope'"]}
    assert raw.site.state.configuration.hosts["web"].attributes["parents"] == ["gw"]


def test_parents_of_remaining_hosts_are_not_deleted(raw: Raw) -> None:
    raw("POST", HOSTS, json=_host("db", "gw"))
    for answer in (
        raw("DELETE", "/objects/host_config/gw"),
        raw("POST", f"{BULK}/bulk-delete/invoke", json={"entries": ["gw", "web"]}),
    ):
        assert answer.status_code == 400
        assert answer.json()["detail"] == "You cannot delete these hosts: gw is parent of web, db."
    assert set(raw.site.state.configuration.hosts) == {"gw", "web", "db"}
    raw("PUT", "/objects/host_config/db", STAR, json={"remove_attributes": ["parents"]})
    assert raw("POST", f"{BULK}/bulk-delete/invoke", json={"entries": ["gw", "web"]}).status_code == 204


def test_bulk_deletions_run_folder_by_folder_in_the_order_of_ids(raw: Raw) -> None:
    """A parent and a child in two folders can be deleted together only if the child's folder comes first."""
    raw("POST", HOSTS, json=_host("leaf", "gw", folder="/net"))
    raw("PUT", "/objects/host_config/web", STAR, json={"remove_attributes": ["parents"]})
    folders = raw.site.state.configuration.folders
    answer = raw("POST", f"{BULK}/bulk-delete/invoke", json={"entries": ["leaf", "gw"]})
    assert answer.status_code == (204 if folders["/net"].ident < folders["/"].ident else 400)
    assert ("leaf" in raw.site.state.configuration.hosts) is (answer.status_code == 400)


def test_parents_are_inherited_from_folders(raw: Raw) -> None:
    raw("POST", HOSTS, json=_host("leaf", folder="/net"))
    raw("POST", HOSTS, json=_host("other", "web", folder="/net"))
    raw("PUT", "/objects/folder_config/~net", STAR, json={"update_attributes": {"parents": ["gw"]}})
    raw("PUT", "/objects/host_config/web", STAR, json={"remove_attributes": ["parents"]})
    answer = raw("DELETE", "/objects/host_config/gw")
    assert answer.json()["detail"] == "You cannot delete these hosts: gw is parent of leaf."


def test_renaming_a_host_updates_references(raw: Raw) -> None:
    raw("PUT", "/objects/folder_config/~net", STAR, json={"update_attributes": {"parents": ["gw", "web"]}})
    raw.site.state.configuration.rename_host("gw", "router", user="carol")
    assert raw("GET", "/objects/host_config/web").json()["extensions"]["attributes"]["parents"] == ["router"]
    assert raw("GET", "/objects/folder_config/~net").json()["extensions"]["attributes"]["parents"] == ["router", "web"]


def test_folders_with_parents_of_other_hosts_are_not_deleted(raw: Raw) -> None:
    raw("POST", HOSTS, json=_host("leaf", folder="/net"))
    raw("PUT", "/objects/host_config/web", STAR, json={"update_attributes": {"parents": ["leaf"]}})
    answer = raw("DELETE", "/objects/folder_config/~net")
    assert answer.status_code == 400
    assert answer.json()["detail"] == "You cannot delete these hosts: leaf is parent of web."
    raw("PUT", "/objects/host_config/web", STAR, json={"update_attributes": {"parents": []}})
    assert raw("DELETE", "/objects/folder_config/~net").status_code == 204


@pytest.mark.parametrize(("version", "status"), [("2.2.0p44", 200), ("2.3.0p41", 400), ("2.5.0p9", 400)])
def test_colons_in_labels_depend_on_the_version(version: str, status: int) -> None:
    with SimulatedSite(version) as site:
        raw = Raw(site)
        body = {"host_name": "a", "folder": "/", "attributes": {"labels": {"url": "http://x:80"}}}
        assert raw("POST", HOSTS, json=body).status_code == status
        body["attributes"] = {"labels": {"url": 5}}
        assert raw("POST", HOSTS, json={**body, "host_name": "b"}).status_code == 400
        raw.session.close()

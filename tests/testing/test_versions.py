"""Simulated sites differ by version in the same way as Checkmk."""

from __future__ import annotations

from typing import Any, Callable, Iterator

import pytest
from werkzeug.wrappers import Response

from checkmk_sync.catalogue.noun import MANAGED
from checkmk_sync.catalogue.operation import Operation
from checkmk_sync.catalogue.versions import CheckmkVersion
from checkmk_sync.core.call import CallKind
from checkmk_sync.testing import SimulatedSite, endpoints
from checkmk_sync.testing.version_profile import VersionProfile
from tests.raw_requests import Raw

VERSIONS = ["2.2.0p44", "2.3.0p41", "2.4.0p18", "2.5.0p9"]
WEB, NET = "/objects/host_config/web", "/objects/folder_config/~net"
CONFIG, FOLDERS, RUNS = "/domain-types/host_config", "/domain-types/folder_config", "/domain-types/activation_run"
STAR = {"If-Match": "*"}


def _opened(version: str) -> Iterator[Raw]:
    with SimulatedSite(version, activation_time=600, discovery_time=600, services=6) as site:
        raw = Raw(site)
        assert raw("POST", f"{CONFIG}/collections/all", json={"host_name": "web", "folder": "/"}).status_code == 200
        folder = {"name": "net", "title": "Net", "parent": "/"}
        assert raw("POST", f"{FOLDERS}/collections/all", json=folder).status_code == 200
        yield raw
        raw.session.close()


@pytest.fixture(params=VERSIONS)
def raw(request: pytest.FixtureRequest) -> Iterator[Raw]:
    yield from _opened(request.param)


@pytest.fixture
def of_version() -> Iterator[Callable[[str], Raw]]:
    """Return a function that opens a site of a version."""
    opened: list[Iterator[Raw]] = []

    def make(version: str) -> Raw:
        opened.append(_opened(version))
        return next(opened[-1])

    yield make
    for site in opened:
        next(site, None)


def _is_at_least(raw: Raw, version: str) -> bool:
    return raw.site.state.profile.version.at_least(version)


# Jobs


def test_started_jobs_redirect_to_their_status(raw: Raw) -> None:
    """Up to 2.3, the redirect is a 302 to a complete URL, later a 303 to a path. Wait endpoints always use 302."""
    base, status = (f"{raw.site.url}/s", 302) if not _is_at_least(raw, "2.4.0") else ("/s", 303)
    api, found = f"{base}/check_mk/api/1.0", []
    scan = {"host_name": "web", "mode": "refresh"}
    found.append(raw("POST", "/domain-types/service_discovery_run/actions/start/invoke", json=scan))
    found.append(raw("POST", f"{RUNS}/actions/activate-changes/invoke", STAR, json={"redirect": True}))
    if _is_at_least(raw, "2.3.0"):
        raw.site.state.configuration.changes.clear()
        found.append(raw("PUT", f"{WEB}/actions/rename/invoke", json={"new_name": "neu"}))
    if _is_at_least(raw, "2.4.0"):
        bulk = {"hostnames": ["web"], "options": {}}
        found.append(raw("POST", "/domain-types/discovery_run/actions/bulk-discovery-start/invoke", json=bulk))
    for answer in found:
        assert (answer.status_code, answer.content) == (status, b"")
        location = answer.headers["Location"]
        assert location.startswith(f"{api}/")
        path = location[len(api) :]
        if "background_job" in path:
            assert raw("GET", path).status_code == 200
            continue
        is_rename = "host_config" in path
        method = "POST" if is_rename and not _is_at_least(raw, "2.4.0") else "GET"
        again = raw(method, path)
        assert (again.status_code, again.headers["Location"]) == (302, location)


def test_version_2_2_renames_immediately(of_version: Callable[[str], Raw]) -> None:
    raw = of_version("2.2.0p44")
    raw.site.state.configuration.changes.clear()
    answer = raw("PUT", f"{WEB}/actions/rename/invoke", json={"new_name": "neu"})
    assert (answer.status_code, answer.json()["id"]) == (200, "neu")


@pytest.mark.parametrize("header", [{}, {"If-Match": '"old"'}, STAR])
def test_renaming_ignores_etags(raw: Raw, header: Any) -> None:
    raw.site.state.configuration.changes.clear()
    assert raw("PUT", f"{WEB}/actions/rename/invoke", header, json={"new_name": "neu"}).status_code < 400


def test_bulk_discoveries_run_alone_or_in_parallel(raw: Raw) -> None:
    start = "/domain-types/discovery_run/actions/bulk-discovery-start/invoke"
    if _is_at_least(raw, "2.4.0"):
        assert raw("POST", start, json={"hostnames": ["web"]}).status_code == 400
        assert raw("POST", start, json={"hostnames": ["web"], "mode": "new"}).status_code == 400
        places = [raw("POST", start, json={"hostnames": ["web"], "options": {}}).headers["Location"] for _ in range(2)]
        assert len(set(places)) == 2
        return
    answer = raw("POST", start, json={"hostnames": ["web"]})
    data = answer.json()
    assert (answer.status_code, data["id"], data["domainType"]) == (200, "bulk_discovery", "discovery_run")
    assert data["extensions"]["active"]
    assert raw("GET", "/objects/discovery_run/bulk_discovery").json() == data
    options = raw("POST", start, json={"hostnames": ["web"], "options": {}})
    assert options.status_code == (409 if _is_at_least(raw, "2.3.0") else 400)


@pytest.mark.parametrize(
    ("version", "mode", "status"),
    [
        ("2.2.0p44", "only_service_labels", 400),
        ("2.3.0p2", "only_service_labels", 400),
        ("2.3.0p3", "only_service_labels", 200),
        ("2.4.0p18", "only_service_labels", 200),
        ("2.4.0p18", "nothing", 400),
    ],
)
def test_scan_modes_depend_on_the_version(
    of_version: Callable[[str], Raw], version: str, mode: str, status: int
) -> None:
    body = {"host_name": "web", "mode": mode}
    answer = of_version(version)("POST", "/domain-types/service_discovery_run/actions/start/invoke", json=body)
    assert answer.status_code == status


# Changes


def test_an_empty_set_of_attributes_changes_nothing(raw: Raw) -> None:
    for path, more in ((WEB, {"alias": "x"}), (NET, {"tag_agent": "no-agent"})):
        assert raw("PUT", path, STAR, json={"attributes": more}).status_code == 200
        for body in ({"attributes": {}}, {"update_attributes": {}}, {"remove_attributes": []}, {}):
            etag, count = raw("GET", path).headers["ETag"], len(raw.site.state.configuration.changes)
            data = raw("PUT", path, STAR, json=body).json()
            kept = {name: value for name, value in data["extensions"]["attributes"].items() if name != "meta_data"}
            assert kept == more
            if path == WEB:
                assert raw("GET", path).headers["ETag"] == etag
                assert len(raw.site.state.configuration.changes) == count


def test_an_empty_set_of_attributes_changes_nothing_in_bulk(raw: Raw) -> None:
    assert raw("PUT", WEB, STAR, json={"attributes": {"alias": "x"}}).status_code == 200
    entries = [{"host_name": "web", "attributes": {}}]
    count = len(raw.site.state.configuration.changes)
    answer = raw("PUT", f"{CONFIG}/actions/bulk-update/invoke", json={"entries": entries})
    assert answer.json()["value"][0]["extensions"]["attributes"]["alias"] == "x"
    assert len(raw.site.state.configuration.changes) == count
    assert raw("PUT", NET, STAR, json={"attributes": {"tag_agent": "no-agent"}}).status_code == 200
    entries = [{"folder": "/net", "attributes": {}}]
    answer = raw("PUT", f"{FOLDERS}/actions/bulk-update/invoke", json={"entries": entries})
    assert answer.json()["value"][0]["extensions"]["attributes"]["tag_agent"] == "no-agent"


@pytest.mark.parametrize(("version", "status"), [("2.2.0p6", 200), ("2.2.0p7", 400), ("2.3.0", 400), ("2.5.0p9", 400)])
def test_old_versions_accept_several_kinds_of_change(
    of_version: Callable[[str], Raw], version: str, status: int
) -> None:
    raw = of_version(version)
    body = {
        "attributes": {"alias": "x", "ipaddress": "192.0.2.1"},
        "update_attributes": {"alias": "y", "site": "s"},
        "remove_attributes": ["ipaddress"],
    }
    answer = raw("PUT", WEB, STAR, json=body)
    assert answer.status_code == status
    kept = raw("GET", WEB).json()["extensions"]["attributes"]
    kept.pop("meta_data")
    assert kept == ({"alias": "y", "site": "s"} if status == 200 else {})
    entries = {"entries": [{"host_name": "web", **body}]}
    assert raw("PUT", f"{CONFIG}/actions/bulk-update/invoke", json=entries).status_code == status


@pytest.mark.parametrize(("version", "status"), [("2.2.0p2", 200), ("2.2.0p3", 428), ("2.4.0p18", 428)])
def test_activation_needs_an_etag(of_version: Callable[[str], Raw], version: str, status: int) -> None:
    assert of_version(version)("POST", f"{RUNS}/actions/activate-changes/invoke", json={}).status_code == status


# ETags


def test_folder_etags_depend_on_their_hosts(raw: Raw) -> None:
    def etag() -> str:
        return str(raw("GET", NET).headers["ETag"])

    seen = [etag()]
    raw("POST", f"{CONFIG}/collections/all", json={"host_name": "in", "folder": "/net"})
    seen.append(etag())
    raw("PUT", "/objects/host_config/in", STAR, json={"attributes": {"alias": "x"}})
    assert etag() == seen[-1]
    raw("POST", f"{WEB}/actions/move/invoke", STAR, json={"target_folder": "/net"})
    seen.append(etag())
    raw("DELETE", "/objects/host_config/in")
    seen.append(etag())
    assert len(set(seen)) == len(seen)
    raw("POST", f"{FOLDERS}/collections/all", json={"name": "below", "title": "B", "parent": "/net"})
    assert etag() == seen[-1]
    assert raw("PUT", NET, {"If-Match": seen[0]}, json={"title": "x"}).status_code == 412


def test_host_etags_do_not_depend_on_the_folder(raw: Raw) -> None:
    before = raw("GET", WEB).headers["ETag"]
    moved = raw("POST", f"{WEB}/actions/move/invoke", {"If-Match": before}, json={"target_folder": "/net"})
    assert (moved.status_code, moved.headers["ETag"]) == (200, before)
    changed = raw("PUT", WEB, {"If-Match": before}, json={"update_attributes": {"alias": "x"}})
    assert changed.headers["ETag"] != before
    assert raw("PUT", WEB, {"If-Match": before}, json={"attributes": {}}).status_code == 412


# Endpoints, parameters and keys


@pytest.mark.parametrize(("version", "status"), [("2.2.0p25", 204), ("2.2.0p26", 409), ("2.4.0p18", 409)])
def test_delete_mode_protects_non_empty_folders(of_version: Callable[[str], Raw], version: str, status: int) -> None:
    raw = of_version(version)
    raw("POST", f"{CONFIG}/collections/all", json={"host_name": "in", "folder": "/net"})
    assert raw("DELETE", f"{NET}?delete_mode=abort_on_nonempty").status_code == status


@pytest.mark.parametrize(
    ("version", "get", "hosts", "services"),
    [
        ("2.2.0p44", 200, 405, 405),
        ("2.3.0p22", 200, 405, 405),
        ("2.3.0p23", 200, 200, 405),
        ("2.3.0p31", 200, 200, 200),
        ("2.4.0p18", 200, 200, 200),
        ("2.5.0p9", 405, 200, 200),
    ],
)
def test_status_methods_depend_on_the_version(
    of_version: Callable[[str], Raw], version: str, get: int, hosts: int, services: int
) -> None:
    raw = of_version(version)
    for path, post in (
        ("/domain-types/host/collections/all", hosts),
        ("/domain-types/service/collections/all", services),
        ("/objects/host/web/collections/services", services),
    ):
        assert raw("GET", path).status_code == get
        assert raw("POST", path, json={}).status_code == post


def test_unrequested_effective_attributes_are_null_or_absent(raw: Raw) -> None:
    for path in (WEB, f"{CONFIG}/collections/all"):
        data = raw("GET", path).json()
        extensions = data["value"][0]["extensions"] if "value" in data else data["extensions"]
        assert extensions.get("effective_attributes", "absent") == ("absent" if _is_at_least(raw, "2.4.0") else None)


def test_host_list_parameters_depend_on_the_version(raw: Raw) -> None:
    path = f"{CONFIG}/collections/all"
    assert bool(raw("GET", path).json()["value"][0]["links"]) is not _is_at_least(raw, "2.3.0")
    expected = {"include_links=true": "2.3.0", "fields=(id)": "2.4.0", "hostnames=web": "2.4.0", "site=s": "2.4.0"}
    for query, since in expected.items():
        assert raw("GET", f"{path}?{query}").status_code == (200 if _is_at_least(raw, since) else 400), query


def test_api_versions_in_the_url(raw: Raw) -> None:
    for version in ("1.0", "v1", "0", "v0", "1.0.0", "unstable", "internal"):
        answer = raw("GET", "/version", base=f"{raw.site.url}/s/check_mk/api/{version}")
        known = version in ("1.0", "v1", "unstable", "internal") or not _is_at_least(raw, "2.5.0")
        assert answer.status_code == (200 if known else 404)


def test_unexpected_bodies_depend_on_the_version(raw: Raw) -> None:
    expected = 400 if _is_at_least(raw, "2.5.0") else 200
    assert raw("GET", WEB, json={"a": 1}).status_code == expected


def test_an_endpoint_exists_only_in_the_editions_of_its_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Operation("ships", "list", "GET", "/ships", CallKind.CONFIG, since="2.3.0b1", editions=MANAGED)
    monkeypatch.setattr(endpoints, "operations_named", lambda *_: (row,))
    monkeypatch.setattr(endpoints, "ENDPOINTS", [])
    endpoints.serves("ships", "list")(lambda _context: Response())
    (endpoint,) = endpoints.ENDPOINTS
    sites = [("2.4.0p18", "cme"), ("2.4.0p18", "cre"), ("2.2.0p44", "cme")]
    found = [endpoint.exists(VersionProfile(CheckmkVersion.parse(version), edition)) for version, edition in sites]
    assert found == [True, False, False]

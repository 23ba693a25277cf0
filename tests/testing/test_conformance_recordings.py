"""The simulated site's answers have the shape of answers that were recorded on real sites."""

from __future__ import annotations

import json
from typing import Any, Callable, Iterator, Mapping, NamedTuple

import pytest

from checkmk_sync.testing import SimulatedSite
from tests.conftest import shared_folder
from tests.raw_requests import Raw

CONFIG, RUNS = "/domain-types/host_config", "/domain-types/activation_run"
FOLDERS = "/domain-types/folder_config/collections/all"
HOSTS, SERVICES = "/domain-types/host/collections/all", "/domain-types/service/collections/all"
ACTIVATE, STAR = f"{RUNS}/actions/activate-changes/invoke", {"If-Match": "*"}


def _recorded(name: str) -> Any:
    return json.loads((shared_folder("recordings") / f"{name}.json").read_text("utf-8"))


def _differences(recorded: Any, simulated: Any, place: str = "") -> Iterator[str]:
    """Yield the places where keys or types differ. Links are matched by ``rel``, other entries by position."""
    if isinstance(recorded, dict) and isinstance(simulated, dict):
        for key in sorted(recorded.keys() | simulated.keys()):
            inside = f"{place}.{key}".lstrip(".")
            if key not in simulated:
                yield f"- {inside}"
            elif key not in recorded:
                yield f"+ {inside}"
            else:
                yield from _differences(recorded[key], simulated[key], inside)
    elif isinstance(recorded, list) and isinstance(simulated, list):
        if any(isinstance(entry, dict) and "rel" in entry for entry in recorded):
            recorded = {entry["rel"]: entry for entry in recorded}
            simulated = {entry["rel"]: entry for entry in simulated if entry["rel"] in recorded}
            yield from _differences(recorded, simulated, place)
        else:
            for one, other in zip(recorded, simulated):
                yield from _differences(one, other, f"{place}[]")
    elif type(recorded) is not type(simulated):
        yield f"{place}: {type(recorded).__name__} or {type(simulated).__name__}"


# Each function prepares the site and repeats a recorded request


def _list_with_effective_attributes(raw: Raw, recording: Any) -> Any:
    for folder in ("main", "remote"):
        raw("POST", FOLDERS, json={"name": folder, "title": folder, "parent": "/"})
    for item in recording["body"]["value"]:
        recorded = item["extensions"]
        attributes = {name: value for name, value in recorded["attributes"].items() if name != "meta_data"}
        if "site" in attributes:
            attributes["site"] = "s"
        answer = _create(raw, item["id"], attributes, recorded["folder"])
        assert answer.status_code == 200
    return raw("GET", f"{CONFIG}/collections/all?effective_attributes=true")


def _create(raw: Raw, name: str, attributes: Mapping[str, Any], folder: str = "/") -> Any:
    body = {"host_name": name, "folder": folder, "attributes": attributes}
    return raw("POST", f"{CONFIG}/collections/all", json=body)


def _create_host(raw: Raw, recording: Any) -> Any:
    attributes = dict(recording["body"]["extensions"]["attributes"])
    attributes.pop("meta_data")
    return _create(raw, recording["body"]["id"], attributes)


def _create_with_slash(raw: Raw, _recording: Any) -> Any:
    return _create(raw, "my/host123", {})


def _get_host(raw: Raw, recording: Any) -> Any:
    attributes, custom = dict(recording["body"]["extensions"]["attributes"]), ("tag_status", "location", "city")
    attributes = {name: value for name, value in attributes.items() if name not in ("meta_data", *custom)}
    if "site" in attributes:
        attributes["site"] = "s"
    name = recording["body"]["id"]
    assert _create(raw, name, attributes).status_code == 200
    return raw("GET", f"/objects/host_config/{name}")


def _pending(raw: Raw, recording: Any) -> Any:
    _create(raw, "web", {})
    answer = raw("GET", f"{RUNS}/collections/pending_changes")
    assert recording["headers"].keys() <= set(answer.headers)
    assert answer.headers["ETag"][0] == answer.headers["ETag"][-1] == '"'
    return answer


def _activate(raw: Raw, _recording: Any) -> Any:
    _create(raw, "web", {})
    return raw("POST", ACTIVATE, STAR, json={"redirect": False})


def _activate_of_others(raw: Raw, _recording: Any) -> Any:
    raw.site.add_user("other", "others secret")
    _create(raw, "web", {})
    return raw("POST", ACTIVATE, {**STAR, "Authorization": "Bearer other others secret"}, json={})


def _activate_nothing(raw: Raw, _recording: Any) -> Any:
    return raw("POST", ACTIVATE, STAR, json={})


def _move_nowhere(raw: Raw, _recording: Any) -> Any:
    _create(raw, "web", {})
    return raw("POST", "/objects/host_config/web/actions/move/invoke", STAR, json={"target_folder": "/"})


def _wrong_secret(raw: Raw, _recording: Any) -> Any:
    return raw("GET", "/version", {"Authorization": f"Bearer {raw.site.username} wrong"})


def _version(raw: Raw, _recording: Any) -> Any:
    return raw("GET", "/version")


def _folders(raw: Raw, recording: Any) -> Any:
    attributes = {
        "site": "s",
        "contactgroups": recording["body"]["value"][0]["extensions"]["attributes"]["contactgroups"],
        "parents": ["gw"],
        "tag_agent": "no-agent",
    }
    attributes["contactgroups"]["groups"] = ["all"]
    _create(raw, "gw", {})
    folder = {"name": "f", "title": "F", "parent": "/", "attributes": attributes}
    assert raw("POST", FOLDERS, json=folder).status_code == 200
    return raw("GET", FOLDERS)


def _rows(table: str, path: str) -> Callable[[Raw, Any], Any]:
    """Return a function that seeds the monitoring with recorded rows, and checks that they are returned unchanged."""

    def ask(raw: Raw, recording: Any) -> Any:
        rows = [item["extensions"] for item in recording["body"]["value"] if "extensions" in item]
        raw.site.seed_monitoring({table: rows})
        answer = raw("GET", path, params={"columns": sorted({column for row in rows for column in row})})
        assert answer.status_code == 200, answer.text
        for row, item in zip(rows, answer.json()["value"]):
            assert {**item["extensions"], **row} == item["extensions"]
        return answer

    return ask


class Row(NamedTuple):
    """A recording. ``differences`` are expected for a known reason; ``is_whole`` is False if the source omits parts."""

    name: str
    version: str
    ask: Callable[[Raw, Any], Any]
    differences: frozenset[str] = frozenset()
    is_whole: bool = True
    edition: str = "cre"


# Custom tag groups of the recorded site, and a member that the author of the recording omitted.
OF_2_2 = {f"- value[].extensions.effective_attributes.tag_{group}" for group in ("lonelytag", "testtaggroup")}
OF_2_2.add("+ extensions")
# Custom attributes of the recorded site, and a null that the official document of 2.4 no longer contains.
CUSTOM = {f"- extensions.attributes.{name}" for name in ("tag_status", "location", "city")}
BEFORE_2_4 = {"- extensions.effective_attributes"}

RECORDINGS = [
    Row("ansible-host-config", "2.2.0p44", _list_with_effective_attributes, frozenset(OF_2_2), edition="cce"),
    Row("docs-host-create", "2.3.0p41", _create_host),
    Row("docs-400-host-name", "2.3.0p41", _create_with_slash),
    Row("docs-pending-changes", "2.3.0p41", _pending, is_whole=False),
    Row("docs-activate", "2.3.0p41", _activate),
    Row("docs-401-foreign", "2.3.0p41", _activate_of_others),
    Row("host-get-snmp2", "2.4.0p18", _get_host, frozenset({*CUSTOM, *BEFORE_2_4})),
    Row("host-get-snmp3", "2.3.0p41", _get_host),
    Row("issue-312-nothing", "2.3.0p41", _activate_nothing),
    Row("issue-58-move", "2.3.0p41", _move_nowhere),
    Row("luchsr-401-bearer", "2.3.0p23", _wrong_secret),
    Row("luchsr-version", "2.3.0p23", _version),
    Row("luchsr-hosts", "2.3.0p23", _rows("hosts", HOSTS)),
    Row("luchsr-service", "2.3.0p23", _rows("services", SERVICES)),
    Row("notifier-host-collection-status", "2.4.0p18", _rows("hosts", HOSTS), is_whole=False),
    Row("notifier-service-cdn-take-go-s11", "2.4.0p18", _rows("services", SERVICES), is_whole=False),
    Row("notifier-service-collection", "2.4.0p18", _rows("services", SERVICES), is_whole=False),
    Row("notifier-service-generic-ack", "2.4.0p18", _rows("services", SERVICES), is_whole=False),
    Row("sama-folder", "2.3.0p41", _folders, frozenset({"- value[].extensions.attributes.tag_CustomerID"})),
]


@pytest.mark.parametrize("row", RECORDINGS, ids=[row.name for row in RECORDINGS])
def test_simulated_answers_have_the_shape_of_recorded_ones(row: Row) -> None:
    recording = _recorded(row.name)
    with SimulatedSite(row.version, row.edition, activation_time=600) as site:
        raw = Raw(site)
        answer = row.ask(raw, recording)
        raw.session.close()
    assert answer.status_code == recording["status"]
    if answer.status_code >= 400:
        assert answer.json() == recording["body"]
        return
    found = set(_differences(recording["body"], answer.json()))
    assert {place for place in found if row.is_whole or not place.startswith("+")} == row.differences


def test_unknown_urls_are_answered_as_recorded() -> None:
    """The recorded version does not put the status in front of the detail."""
    recording = _recorded("luchsr-404-url")
    with SimulatedSite() as site:
        raw = Raw(site)
        answer = raw("GET", "/nothing")
        raw.session.close()
    data = answer.json()
    assert answer.status_code == recording["status"]
    assert data == {**recording["body"], "detail": f"404 Not Found: {recording['body']['detail']}"}


# Behaviour that others described for real sites


@pytest.fixture
def raw() -> Iterator[Raw]:
    with SimulatedSite("2.4.0p35", activation_time=0, discovery_time=0) as site:
        found = Raw(site)
        yield found
        found.session.close()


def test_hosts_and_folders_match_the_recordings(raw: Raw) -> None:
    folder = {"name": "vlan10", "title": "VLAN 10", "parent": "/"}
    assert raw("POST", FOLDERS, json=folder).json()["id"] == "~vlan10"
    assert _create(raw, "gw", {}).status_code == 200
    attributes = {
        "tag_address_family": "no-ip",
        "tag_agent": "no-agent",
        "tag_snmp_ds": "no-snmp",
        "parents": ["gw"],
        "labels": {"place": "120,-40"},
    }
    new = {"host_name": "web", "folder": "/vlan10", "attributes": attributes}
    assert raw("POST", f"{CONFIG}/collections/all", json=new).status_code == 200
    found = {item["id"]: item for item in raw("GET", f"{CONFIG}/collections/all").json()["value"]}
    shown = found["web"]["extensions"]
    assert (shown["folder"], found["web"]["links"]) == ("/vlan10", [])
    assert {name: shown["attributes"][name] for name in attributes} == attributes
    assert "tag_criticality" not in shown["attributes"]
    raw("PUT", "/objects/host_config/web", STAR, json={"attributes": {"alias": "x"}})
    left = raw("GET", "/objects/host_config/web").json()["extensions"]["attributes"]
    assert left.keys() == {"alias", "meta_data"}
    assert raw("PUT", "/objects/host_config/web", json={"attributes": {}}).status_code == 428
    assert raw("DELETE", "/objects/host_config/web").status_code == 204
    assert raw("DELETE", "/objects/host_config/web").status_code == 404


@pytest.mark.parametrize("path", ["/version", f"{CONFIG}/collections/all", "/objects/host_config/x"])
def test_methods_match_the_recordings(raw: Raw, path: str) -> None:
    answer = raw("OPTIONS", path)
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("Access-Control")]
    assert raw("HEAD", path).status_code == 405


@pytest.mark.parametrize(
    ("attributes", "more"),
    [
        ({"tag_agent": "no-agent"}, {"ip-v4", "ping"}),
        ({}, {"ip-v4", "checkmk-agent", "tcp"}),
        (
            {"tag_address_family": "ip-v4v6", "tag_agent": "no-agent", "tag_snmp_ds": "snmp-v2"},
            {"ip-v4", "ip-v6", "snmp"},
        ),
        ({"tag_address_family": "no-ip", "tag_agent": "special-agents"}, {"tcp"}),
    ],
)
def test_monitored_tags_match_the_recordings(raw: Raw, attributes: Any, more: set[str]) -> None:
    _create(raw, "web", attributes)
    assert raw("POST", ACTIVATE, STAR, json={}).status_code == 200
    raw.site.state.finish_due_jobs()
    tags = raw("GET", "/objects/host/web?columns=tags").json()["extensions"]["tags"]
    groups = {"agent", "snmp_ds", "criticality", "networking", "piggyback", "site", "address_family"}
    assert tags.keys() == groups | more
    assert all(tags[name] == name for name in more)

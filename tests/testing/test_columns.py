"""Hosts and services have Checkmk's columns, and reading one host costs the same on a site of any size."""

from __future__ import annotations

import base64
import gzip
import json
import re
import sys
from types import FrameType
from typing import Any, Iterator

import pytest
from werkzeug.test import Client

from checkmk_sync.testing import ManualClock, SimulatedSite
from checkmk_sync.testing.columns import HOST_DEFAULTS, SERVICE_DEFAULTS
from tests.conftest import shared_folder
from tests.raw_requests import Raw

DOCUMENTS = {
    "2.2.0p44": "checkmk-2.2.0p44-raw",
    "2.3.0p41": "checkmk-2.3.0p41-commercial",
    "2.4.0p18": "checkmk-2.4.0-raw-doc",
    "2.5.0p9": "checkmk-2.5.0-ultimatemt",
}
KINDS = {
    "int": int,
    "time": int,
    "float": (int, float),
    "string": str,
    "list": list,
    "dict": dict,
    "dictdouble": dict,
    "blob": dict,
}
HOSTS, SERVICES = "/domain-types/host/collections/all", "/domain-types/service/collections/all"
URLS = {"Hosts": HOSTS, "Services": SERVICES}


def _documented(version: str, table: str) -> dict[str, str]:
    """Return the columns of a table and their types, read from the introduction of an official document."""
    with gzip.open(shared_folder("specs") / f"{DOCUMENTS[version]}.json.gz", "rt", encoding="utf-8") as file:
        text = json.load(file)["info"]["description"]
    section = text.partition(f"\n## {table} Table\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\|(\w+) \| (\w+) \|", section, re.MULTILINE))


@pytest.fixture(params=DOCUMENTS)
def raw(request: pytest.FixtureRequest) -> Iterator[Raw]:
    with SimulatedSite(request.param, hosts=3, services=6) as site:
        yield from _opened(site)


@pytest.fixture
def newest(monkeypatch: pytest.MonkeyPatch, clock: ManualClock) -> Iterator[Raw]:
    with SimulatedSite("2.4.0p18", hosts=3, services=6, clock=clock) as site:  # times are equal in all answers
        yield from _opened(site)


def _opened(site: SimulatedSite) -> Iterator[Raw]:
    raw = Raw(site)
    yield raw
    raw.session.close()


def _rows(raw: Raw, path: str, columns: list[str], **more: Any) -> list[Any]:
    """Return the extensions of the rows, requested with GET or POST as the version requires."""
    if not raw.site.state.profile.version.at_least("2.5.0b1"):
        answer = raw("GET", path, params={"columns": columns, **more})
    else:
        answer = raw("POST", path, json={"columns": columns, **more})
    assert answer.status_code == 200, answer.text
    return [item["extensions"] for item in answer.json()["value"]]


@pytest.mark.parametrize("table", URLS)
def test_every_documented_column_is_known_with_its_type(raw: Raw, table: str) -> None:
    columns = _documented(str(raw.site.state.profile.version), table)
    assert len(columns) > 100
    if table == "Services":
        assert "host_name" in columns
    rows = _rows(raw, URLS[table], sorted(columns))
    assert len(rows) == (3 if table == "Hosts" else 18)
    for row in rows:
        assert row.keys() == columns.keys()
        for column, kind in columns.items():
            assert isinstance(row[column], KINDS[kind]), (column, kind, row[column])
            assert not isinstance(row[column], bool)


@pytest.mark.parametrize("table", URLS)
def test_undocumented_columns_are_unknown(raw: Raw, table: str) -> None:
    documented = _documented(str(raw.site.state.profile.version), table)
    known = (HOST_DEFAULTS if table == "Hosts" else SERVICE_DEFAULTS).keys() - documented.keys()
    names = [*sorted(known), "nothing", "", "name ", "NAME", "hosts.name"]
    method, key = ("POST", "json") if raw.site.state.profile.version.at_least("2.5.0b1") else ("GET", "params")
    answer = raw(method, URLS[table], **{key: {"columns": names}})
    said = {str(i): [f"Unknown column: {table.lower()}.{name}"] for i, name in enumerate(names)}
    assert (answer.status_code, answer.json()["fields"]) == (400, {"columns": said})


def test_services_include_the_columns_of_their_host(newest: Raw) -> None:
    hosts = {row["name"]: row for row in _rows(newest, HOSTS, sorted(HOST_DEFAULTS))}
    columns = sorted(f"host_{name}" for name in HOST_DEFAULTS)
    for row in _rows(newest, SERVICES, [*columns, "description"]):
        host = hosts[row["host_name"]]
        for name, value in host.items():
            assert row[f"host_{name}"] == value, name


@pytest.mark.parametrize(
    ("path", "mandatory"),
    [
        (HOSTS, ["name"]),
        (SERVICES, ["host_name", "description"]),
        ("/objects/host/host00000/collections/services", ["host_name", "description"]),
    ],
)
@pytest.mark.parametrize("columns", [["state"], ["state", "description"], ["name"], []])
def test_identifying_columns_are_always_returned(
    newest: Raw, path: str, mandatory: list[str], columns: list[str]
) -> None:
    columns = [column for column in columns if (column == "name") is (path == HOSTS) or column == "state"]
    for row in _rows(newest, path, columns):
        assert set(row) == {*mandatory, *columns}
    answer = newest("POST", path, json={"columns": columns})
    for item in answer.json()["value"]:
        assert item["extensions"].keys() == {*mandatory, *columns}


def test_single_hosts_and_services_can_be_queried(newest: Raw) -> None:
    path = "/objects/host/host00000"
    assert newest("GET", path).json()["extensions"] == {"name": "host00000"}
    assert newest("GET", f"{path}?columns=state").json()["extensions"].keys() == {"name", "state"}
    show = f"{path}/actions/show_service/invoke?service_description=CPU load"
    data = newest("GET", show).json()
    assert (data["id"], data["title"]) == ("host00000-CPU load", "Service CPU load")
    assert data["extensions"].keys() == {"host_name", "description", "state", "state_type", "last_check"}
    assert newest("GET", f"{show}&columns=state").json()["extensions"] == {"state": 0}


def test_binary_columns_are_base64_and_the_inventory_is_an_object(newest: Raw) -> None:
    blob = bytes(range(200))
    rows = {"hosts": [{"name": "h", "mk_inventory_gz": blob, "mk_inventory": b"{'hw': {'cpu': 4}}"}]}
    newest.site.seed_monitoring(rows)
    (row,) = _rows(newest, HOSTS, ["mk_inventory_gz", "mk_inventory"])
    assert row["mk_inventory_gz"]["value_type"] == "binary_base64"
    assert "\n" in row["mk_inventory_gz"]["value"]
    assert base64.b64decode(row["mk_inventory_gz"]["value"]) == blob
    assert row["mk_inventory"] == {"hw": {"cpu": 4}}


def test_seeded_rows_have_every_column(newest: Raw) -> None:
    newest.site.seed_monitoring({"services": [{"host_name": "host00001", "description": "x", "state": 2}]})
    (row,) = _rows(newest, SERVICES, sorted(SERVICE_DEFAULTS))
    assert (row["state"], row["host_address"], row["host_state"]) == (2, "10.0.0.1", 0)
    newest.site.seed_monitoring(
        {"hosts": [{"name": "h", "state": 1}], "services": [{"host_name": "h", "description": "x"}]}
    )
    (row,) = _rows(newest, SERVICES, sorted(SERVICE_DEFAULTS))
    assert (row["host_name"], row["host_state"], row["host_alias"], row["host_address"]) == ("h", 1, "h", "0.0.0.0")


# The cost of reading one host


def _calls(site: SimulatedSite, path: str, body: Any = None) -> int:
    """Return the number of functions that the simulated site calls for one answer."""
    client, calls = Client(site._app), 0
    headers = {"Authorization": f"Bearer {site.username} {site.password}", "Accept": "application/json"}

    def count(frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event == "call" and "checkmk_sync" in frame.f_code.co_filename

    site.state.finish_due_jobs()
    sys.setprofile(count)
    try:
        url = f"/s/check_mk/api/1.0{path}"
        answer = client.get(url, headers=headers) if body is None else client.post(url, headers=headers, json=body)
        assert answer.status_code == 200
        assert answer.json is not None
    finally:
        sys.setprofile(None)
    return calls


def _site_of(count: int, *, seeded: bool) -> SimulatedSite:
    site = SimulatedSite(hosts=count, services=6)
    if seeded:
        names = [f"host{number:05d}" for number in range(count)]
        hosts = [{"name": name, "state": 0} for name in names]
        of_hosts = [{"host_name": name, "description": text} for name in names for text in ("CPU load", "Memory")]
        site.seed_monitoring({"hosts": hosts, "services": of_hosts})
    return site


ONE = "/objects/host/{}"
COST: dict[str, tuple[str, Any]] = {
    "host": (f"{ONE}?columns=state&columns=num_services", None),
    "services": (f"{ONE}/collections/services?columns=state", None),
    "services by POST": (f"{ONE}/collections/services", {"columns": ["state", "host_state"]}),
    "services of a host by name": (f"{SERVICES}?host_name={{}}", None),
    "services of a host by name and POST": (SERVICES, {"host_name": "{}"}),
    "services of a host by query": (SERVICES, {"query": {"op": "=", "left": "host_name", "right": "{}"}}),
    "service": (f"{ONE}/actions/show_service/invoke?service_description=CPU load", None),
    "configuration": ("/objects/host_config/{}", None),
}


@pytest.mark.parametrize("seeded", [False, True], ids=["configured", "seeded"])
def test_reading_one_host_costs_the_same_on_any_site_size(seeded: bool) -> None:
    with _site_of(20, seeded=seeded) as small, _site_of(2000, seeded=seeded) as large:
        for kind, (path, body) in COST.items():
            per_host = "query" in kind  # a query compares the name of every host
            costs = []
            for site, name in ((small, "host00003"), (large, "host00003"), (large, "host01999")):
                asked = json.loads(json.dumps(body).replace("{}", name))
                _calls(site, path.replace("{}", name), asked)  # the first call fills the site's caches
                costs.append(_calls(site, path.replace("{}", name), asked))
            first, middle, last = costs
            assert middle == last, kind
            assert first == middle or per_host, kind
            assert last < (12_000 if per_host else 400), kind

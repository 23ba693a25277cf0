"""Invalid requests are refused. The answer is a crash report only if Checkmk also crashes."""

from __future__ import annotations

import json
import re
from typing import Any, Iterator, Optional
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkmk_sync.catalogue.noun import Noun
from checkmk_sync.catalogue.nouns import NOUNS
from checkmk_sync.testing import SimulatedSite
from checkmk_sync.testing.endpoints import ENDPOINTS
from tests.nouns.examples import example_body
from tests.raw_requests import Raw, send_bytes
from tests.testing.request_bodies import BODIES, CONFIG, QUERY, STATUS

PROBLEM = "application/problem+json"
DEEP = b'{"op": "and", "expr": [' * 100_000


def _example_bodies(noun: Noun) -> dict[tuple[str, str], Any]:
    """Return a valid body for each operation of a plain noun, made of the examples in its row."""
    more = {"auth_option": {"auth_type": "password", "password": "example-secret"}} if noun.name == "users" else {}
    new, changes = {**example_body(noun), **more}, {**example_body(noun, "update"), **more}
    bodies = {
        "create": new,
        "update": changes,
        "bulk_create": {"entries": [new]},
        "bulk_update": {"entries": [{noun.key.wire: "old", "attributes": changes}]},
        "bulk_delete": {"entries": ["old"]},
    }
    return {(row.method, row.path.format(key="old")): bodies[row.verb] for row in noun.operations if row.verb in bodies}


KINDS = [_noun for _noun in NOUNS.values() if _noun.supports("create")]
for _noun in KINDS:
    BODIES.update(_example_bodies(_noun))

# Values that the site stores in another form than that of requests.
STORED: dict[str, Any] = {
    "roles": {"alias": "Old role", "basedon": "user", "permissions": {}, "builtin": False},
    "rules": {"conditions": {"host_tags": [], "host_label_groups": [], "service_label_groups": []}},
}
WRONG = [None, True, 0, -1, 1.5, 10**30, float("nan"), "", "x", "/", "\0", "\ud800", "ä:", [], [[]], ["x"], [None], {}]
NESTED = [{"x": {}}, {"type": []}, {"type": {}}, {"op": []}, {"op": "not"}, {"op": "~", "left": "name", "right": "("}]
OTHERS = st.sampled_from([*WRONG, *NESTED])


@st.composite
def spoiled(draw: st.DrawFn, value: Any) -> Any:
    """Draw the value with one part added, removed, or replaced by another type."""
    inside = draw(st.integers(0, 5)) and bool(value)
    if inside and isinstance(value, dict):
        key = draw(st.sampled_from(sorted(value)))
        if draw(st.integers(0, 9)) == 0:
            return {name: part for name, part in value.items() if name != key}
        return {**value, key: draw(spoiled(value[key]))}
    if inside and isinstance(value, list):
        index = draw(st.integers(0, len(value) - 1))
        return [*value[:index], draw(spoiled(value[index])), *value[index + 1 :]]
    if isinstance(value, dict) and draw(st.booleans()):
        return {**value, "more": draw(OTHERS)}
    return draw(OTHERS)


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, str, Any]:
    method, path = draw(st.sampled_from(sorted(BODIES)))
    body = draw(spoiled(BODIES[method, path]))
    return method, path, draw(spoiled(body)) if draw(st.booleans()) else body


@pytest.fixture(params=["2.2.0p44", "2.3.0p41", "2.4.0p18", "2.5.0p9"], scope="module")
def raw(request: pytest.FixtureRequest) -> Iterator[Raw]:
    with SimulatedSite(request.param, activation_time=0, discovery_time=0, services=6) as site:
        found = Raw(site)
        yield found
        found.session.close()


def prepare(site: SimulatedSite) -> None:
    site.reset()
    configuration = site.state.configuration
    for folder in ("/a", "/c"):
        configuration.add_folder(folder, folder, {}, user="x")
    for name, nodes in (("web", None), ("old", None), ("clu", ("web",))):
        configuration.add_host(name, "/", {"alias": name}, user="x", nodes=nodes)
    for noun in KINDS:
        titles = dict.fromkeys(("alias", "title"), f"Old {noun.singular}")
        stored = {name: titles.get(name, value) for name, value in example_body(noun, "stored").items()}
        configuration.objects[noun.name]["old"] = {**stored, **STORED.get(noun.name, {})}
    site.state.activations.load(configuration.hosts, configuration.service_phases)


def _assert_valid_answer(answer: Any) -> None:
    """Check that an answer has a JSON body, except for 204 and redirects, and no crash that Checkmk would avoid."""
    if answer.status_code in (204, 302, 303):
        return
    data = answer.json()
    if answer.status_code < 400:
        assert answer.headers["Content-Type"] == "application/json"
        return
    assert answer.headers["Content-Type"] == PROBLEM
    assert data["status"] == answer.status_code
    assert data["title"]
    if answer.status_code == 500:
        assert re.search("/(collections|actions)/", answer.request.url)
        assert (data["ext"]["exc_type"], data["ext"]["exc_value"]) in {
            ("KeyError", f"'{member}'") for member in ("op", "left", "right", "expr", "query")
        }


def _known(raw: Raw) -> list[tuple[str, str]]:
    """Return the endpoints of the version that accept a body."""
    profile, fit = raw.site.state.profile, {"<folder>": "~a", "<name>": "web", "<key>": "old"}
    known = []
    for entry in ENDPOINTS:
        if entry.body is not None and entry.exists(profile):
            path = entry.path.replace("<name>/properties", "clu/properties")
            for part, name in fit.items():
                path = path.replace(part, name)
            known.append((entry.method, path))
    return known


def test_every_endpoint_with_a_body_has_an_example(raw: Raw) -> None:
    assert set(_known(raw)) <= BODIES.keys()


@settings(max_examples=80, suppress_health_check=list(HealthCheck))
@given(call=calls())
def test_bodies_of_wrong_types_do_not_crash_the_site(raw: Raw, call: tuple[str, str, Any]) -> None:
    method, path, body = call
    prepare(raw.site)
    _assert_valid_answer(
        raw(method, path, {"If-Match": "*", "Content-Type": "application/json"}, data=json.dumps(body))
    )


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(query=spoiled(QUERY), table=st.sampled_from(["host", "service"]))
def test_queries_of_wrong_types_do_not_crash_the_site(raw: Raw, query: Any, table: str) -> None:
    path = f"{STATUS.format(table)}?query={quote(json.dumps(query))}"
    _assert_valid_answer(raw("GET", path))


@settings(suppress_health_check=list(HealthCheck))
@given(fields=st.text(st.sampled_from("(),!~*-.'\"ab \\\0ä"), max_size=12))
def test_fields_parameters_do_not_crash_the_site(raw: Raw, fields: str) -> None:
    answer = raw("GET", f"{CONFIG}/collections/all", params={"fields": fields})
    _assert_valid_answer(answer)


def test_valid_bodies_are_accepted() -> None:
    """The damaged bodies of the other tests prove something only if the originals are valid."""
    with SimulatedSite(activation_time=0, discovery_time=0, services=6) as site:
        raw = Raw(site)
        for (method, path), body in BODIES.items():
            prepare(site)
            answer = raw(method, path, {"If-Match": "*"}, json=body)
            said = answer.json()["title"] if answer.status_code >= 400 else ""
            assert said in ("", "Pending changes are present", "Some folders were not updated"), answer.text
        raw.session.close()


@pytest.mark.parametrize(
    ("query", "member"),
    [
        ({}, None),
        ({"left": "name", "op": "="}, "right"),
        ({"left": "name", "right": "x"}, "op"),
        ({"op": "and"}, "expr"),
        ({"op": "not"}, "expr"),
        ({"op": "~", "right": "x"}, "left"),
        ({"op": "or", "expr": [{"op": "not", "expr": {"left": "x"}}]}, "op"),
    ],
)
def test_an_incomplete_query_crashes_as_in_checkmk(raw: Raw, query: Any, member: Optional[str]) -> None:
    method = "POST" if raw.site.state.profile.version.at_least("2.5.0b1") else "GET"
    for table in ("host", "service"):
        path = STATUS.format(table)
        if method == "GET":
            answer = raw(method, f"{path}?query={quote(json.dumps(query))}")
        else:
            answer = raw(method, path, json={"query": query})
        if member is None:
            assert answer.status_code == 200
            continue
        data = answer.json()
        assert (answer.status_code, answer.headers["Content-Type"]) == (500, PROBLEM)
        assert data["title"] == "Internal Server Error"
        assert data["detail"] == f"KeyError: '{member}'. Crash report generated. Please submit."
        assert (data["ext"]["exc_type"], data["ext"]["exc_value"]) == ("KeyError", f"'{member}'")
        assert data["ext"]["version"] == str(raw.site.state.profile.version)


def test_crash_reports_have_the_members_of_a_checkmk_report(raw: Raw) -> None:
    answer = raw("GET", "/version?fail=1", {"X-Some": "thing"})
    data = answer.json()
    assert (answer.status_code, answer.headers["Content-Type"]) == (500, PROBLEM)
    assert answer.headers["X-Checkmk-Version"] == str(raw.site.state.profile.version)
    assert {"time", "os", "version", "edition", "core", "exc_type", "exc_value", "exc_traceback"} <= data["ext"].keys()
    assert {"python_version", "python_paths", "id", "crash_type", "local_vars", "details"} <= data["ext"].keys()
    assert data["ext"]["crash_type"] == "rest_api"
    assert data["ext"]["details"]["crash_report_url"]["rel"] == "cmk/crash-report"
    assert f"crash_id={data['ext']['id']}" in data["ext"]["details"]["crash_report_url"]["href"]
    asked = data["ext"]["details"]["request_info"]
    assert (asked["method"], asked["headers"]["X-Some"]) == ("GET", "thing")
    assert raw.site.username not in json.dumps(asked)


@pytest.mark.parametrize("body", [b"{", b"\xff", DEEP, b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}", b"null", b"[]"])
def test_values_that_are_not_objects_are_refused(raw: Raw, body: bytes) -> None:
    for method, path in BODIES:
        prepare(raw.site)
        answer = raw(method, path, {"If-Match": "*", "Content-Type": "application/json"}, data=body)
        expected = (400,) if (method, path) in _known(raw) else (404, 405)
        assert (answer.status_code in expected, answer.headers["Content-Type"]) == (True, PROBLEM), path


def test_the_site_reports_its_own_failures_and_continues(monkeypatch: pytest.MonkeyPatch) -> None:
    with SimulatedSite(hosts=1) as site:
        host = site.state.configuration.hosts["host00000"]
        monkeypatch.setattr(type(site.state.configuration), "effective", lambda *_: 1 / 0)
        answer = send_bytes(site, "GET", "/s/check_mk/api/1.0/objects/host_config/host00000?effective_attributes=1")
        assert (answer.status, answer.headers["content-type"]) == (500, PROBLEM)
        assert answer.json["detail"] == "ZeroDivisionError: division by zero. Crash report generated. Please submit."
        assert any("ZeroDivisionError" in line for line in answer.json["ext"]["exc_traceback"])
        assert host.name == "host00000"
        assert send_bytes(site, "GET", "/s/check_mk/api/1.0/version").status == 200

"""The simulated site answers invalid URLs, credentials and headers like Checkmk."""

from __future__ import annotations

import base64
from typing import Any, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import Client

from checkmk_sync.testing import SimulatedSite
from tests.raw_requests import Raw, send_bytes

HOSTS, FOLDERS, RUNS = "/domain-types/host_config", "/domain-types/folder_config", "/domain-types/activation_run"
WEB, NET = "/objects/host_config/web", "/objects/folder_config/~net"
ACTIVATE = f"{RUNS}/actions/activate-changes/invoke"
STAR = {"If-Match": "*"}
PROBLEM = "application/problem+json"
UNKNOWN_URL = (
    "404 Not Found: The requested URL was not found on the server. "
    "If you entered the URL manually please check your spelling and try again."
)
VERSIONS = ["2.2.0p44", "2.3.0p41", "2.4.0p18", "2.5.0p9"]


@pytest.fixture
def raw() -> Iterator[Raw]:
    with SimulatedSite(activation_time=600, discovery_time=600, services=6) as site:
        yield from _prepared(site)


@pytest.fixture(params=VERSIONS)
def every(request: pytest.FixtureRequest) -> Iterator[Raw]:
    with SimulatedSite(request.param, activation_time=600, discovery_time=600, services=6) as site:
        yield from _prepared(site)


def _prepared(site: SimulatedSite) -> Iterator[Raw]:
    raw = Raw(site)
    assert raw("POST", f"{HOSTS}/collections/all", json={"host_name": "web", "folder": "/"}).status_code == 200
    folder = {"name": "net", "title": "Net", "parent": "/"}
    assert raw("POST", f"{FOLDERS}/collections/all", json=folder).status_code == 200
    yield raw
    raw.session.close()


def problem(answer: Any) -> tuple[int, str, Any]:
    """Return the status, title and detail of a problem."""
    data = answer.json()
    assert answer.headers["Content-Type"] == PROBLEM
    assert data["status"] == answer.status_code
    return answer.status_code, data["title"], data.get("detail")


# URLs


@pytest.mark.parametrize("path", ["/nothing", "/objects/nothing/x", "/objects/host_config", f"{HOSTS}/", "/x\n", "/"])
def test_unknown_urls_get_the_full_explanation(every: Raw, path: str) -> None:
    assert problem(every("GET", path)) == (404, "Not Found", UNKNOWN_URL)


def test_wrong_methods_are_explained(every: Raw) -> None:
    for method, path in (("DELETE", f"{HOSTS}/collections/all"), ("PATCH", WEB), ("POST", WEB), ("PUT", "/version")):
        status, title, detail = problem(every(method, path))
        assert (status, title) == (405, "Method Not Allowed")
        assert detail == "405 Method Not Allowed: The method is not allowed for the requested URL."


IDS = ["%0A", "a%0Ab", "%00", "%1F", "a%20b", "%E2%80%A8", "%FF", "%0D%0AX-Evil:1", "~%0A", "%7F", "x" * 3000]
NAMED = {
    "host": ("GET", "/objects/host_config/{}"),
    "host to change": ("PUT", "/objects/host_config/{}"),
    "host to delete": ("DELETE", "/objects/host_config/{}"),
    "folder": ("GET", "/objects/folder_config/{}"),
    "hosts of a folder": ("GET", "/objects/folder_config/{}/collections/hosts"),
    "activation": ("GET", "/objects/activation_run/{}"),
    "waiting for an activation": ("GET", "/objects/activation_run/{}/actions/wait-for-completion/invoke"),
    "job": ("GET", "/objects/{job}/{}"),
    "scan": ("GET", "/objects/service_discovery_run/{}"),
    "result": ("GET", "/objects/service_discovery/{}"),
    "waiting for a scan": ("GET", "/objects/service_discovery_run/{}/actions/wait-for-completion/invoke"),
    "services": ("GET", "/objects/host/{}/collections/services"),
    "status": ("GET", "/objects/host/{}"),
    "registration": ("GET", "/objects/host_config_internal/{}"),
}


@pytest.mark.slow
@pytest.mark.parametrize("ident", IDS, ids=lambda ident: ident[:20])
@pytest.mark.parametrize("kind", NAMED)
def test_impossible_ids_are_not_found(raw: Raw, kind: str, ident: str) -> None:
    method, path = NAMED[kind]
    target = "/s/check_mk/api/1.0" + path.replace("{job}", "background_job").replace("{}", ident)
    body = b'{"attributes": {}}' if method == "PUT" else b""
    answer = send_bytes(raw.site, method, target, body=body)
    assert (answer.status, answer.headers["content-type"]) == (404, PROBLEM)
    assert answer.json["status"] == 404
    assert answer.json["title"]
    assert "x-evil" not in answer.headers


def test_self_links_contain_the_base_url_once(every: Raw) -> None:
    base = every.site.api_url
    paths = [
        "/domain-types/host_config/collections/all?include_links=true",
        WEB,
        "/domain-types/folder_config/collections/all?show_hosts=true&recursive=true",
        f"{NET}/collections/hosts",
        f"{RUNS}/collections/running",
        f"{RUNS}/collections/pending_changes",
        "/objects/service_discovery_run/web",
        "/objects/service_discovery/web",
        "/version",
    ]
    if every.site.state.profile.version.at_least("2.3.0"):
        paths += ["/domain-types/host/collections/all"] * (not every.site.state.profile.version.at_least("2.5.0b1"))
    else:
        paths[0] = "/domain-types/host_config/collections/all"
    for path in paths:
        links = list(_links(every("GET", path).json()))
        assert links or path == "/version" or "collections/hosts" in path, path
        for link in links:
            assert link["href"].startswith(f"{base}/"), (path, link)
            assert link["href"].count("check_mk/api") == 1
            assert "//" not in link["href"].partition("://")[2]


def _links(data: Any) -> Iterator[Any]:
    if isinstance(data, list):
        for entry in data:
            yield from _links(entry)
    elif isinstance(data, dict):
        if "href" in data:
            yield data
        for entry in data.values():
            yield from _links(entry)


# Credentials and headers


@pytest.mark.slow
@pytest.mark.parametrize(
    ("header", "detail"),
    [
        (None, "You need to be logged in to access this resource."),
        ("", "You need to be logged in to access this resource."),
        ("Token x", "You need to be logged in to access this resource."),
        ("InternalToken Zm9v", "You need to be logged in to access this resource."),
        ("Bearer automation:secret", "Invalid Bearer token"),
        ("Bearer automation", "Invalid Bearer token"),
        ("Basic %%%", "Invalid Basic token"),
        ("Basic foobazbar", "Invalid Basic token"),
        ("Basic " + base64.b64encode(b"automation").decode(), "Invalid Basic token"),
        ("Basic " + base64.b64encode(b"automation:\xff").decode(), "Invalid Basic token"),
        ("Bearer automation wrong", "Wrong credentials (Bearer header)"),
        ("Bearer nobody wrong", "Wrong credentials (Bearer header)"),
        ("Basic " + base64.b64encode(b"automation:wrong").decode(), "Wrong credentials (Basic header)"),
        ("Bearer auto:mation secret", "Illegal username."),
    ],
)
def test_failed_logins_are_explained(every: Raw, header: Any, detail: str) -> None:
    assert problem(every("GET", "/version", {"Authorization": header})) == (401, "Unauthorized", detail)


def test_every_authentication_scheme_is_accepted(every: Raw) -> None:
    every.site.add_user("human", "super secret")
    basic = base64.b64encode(b"human:super secret").decode()
    for header in (f"Basic {basic}", "Bearer human super secret"):
        answer = every("GET", "/version", {"Authorization": header})
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers
    answer = every("GET", "/version?_username=human&_secret=super+secret", {"Authorization": None})
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (401, False)


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ({"Content-Type": "text"}, "Content-Type 'text' not supported for this endpoint."),
        ({"Content-Type": "text/html; charset=utf-8"}, "Content-Type 'text/html' not supported for this endpoint."),
        (
            {"Content-Type": "application/json; charset=latin-1"},
            "Character set 'latin-1' not supported for content-type 'application/json'.",
        ),
        ({}, "No content-type specified. Possible value is: application/json"),
    ],
)
def test_unsupported_content_types_are_refused(every: Raw, headers: Any, detail: str) -> None:
    answer = every("POST", f"{HOSTS}/collections/all", headers, data="{}")
    assert problem(answer) == (415, "Content type not valid for this endpoint.", detail)
    if headers:
        assert problem(every("GET", WEB, headers))[0] == 415


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"', "Utf-8"])
def test_supported_content_types_are_accepted(every: Raw, charset: str) -> None:
    header = {"Content-Type": f"application/json; charset={charset}"}
    body = '{"host_name": "neu", "folder": "/"}'
    assert every("POST", f"{HOSTS}/collections/all", header, data=body).status_code == 200
    assert every("GET", WEB, header).status_code == 200


def test_accept_headers_are_matched(every: Raw) -> None:
    answer = every("GET", WEB, {"Accept": None})
    assert problem(answer) == (406, "Not Acceptable", "Please specify an Accept Header.")
    answer = every("POST", f"{HOSTS}/collections/all", {"Accept": "something_else"}, json={})
    detail = (
        "Can not send a response with the content type specified in the 'Accept' Header. "
        "Accept Header: something_else. Supported content types: [application/json]"
    )
    assert problem(answer) == (406, "Not Acceptable", detail)


def test_endpoints_without_parameters_ignore_any_parameter(every: Raw) -> None:
    assert every("GET", "/version?nothing=x").status_code == 200
    answer = every("GET", f"{WEB}?nothing=x")
    assert (answer.status_code, answer.json()["fields"]) == (400, {"nothing": ["Unknown field."]})


def test_an_empty_body_is_an_empty_object(every: Raw) -> None:
    answer = every("POST", f"{HOSTS}/collections/all", {"Content-Type": "application/json"})
    missing = ["Missing data for required field."]
    assert answer.json()["fields"] == {"host_name": missing, "folder": missing}


def test_a_missing_permission_is_named_by_its_title(every: Raw) -> None:
    every.site.add_user("reader", "readers secret", "guest")
    reader = {"Authorization": "Bearer reader readers secret", **STAR}
    for method, path, body in (
        ("POST", f"{HOSTS}/collections/all", {"host_name": "x", "folder": "/"}),
        ("PUT", WEB, {"attributes": {}}),
        ("DELETE", WEB, None),
        ("POST", ACTIVATE, {}),
        ("PUT", NET, {"title": "x"}),
    ):
        status, title, detail = problem(every(method, path, reader, json=body))
        assert (status, title) == (401, "Unauthorized")
        assert "you lack the permission for this operation" in detail
        assert "'<b>" in detail


# Random headers and queries

HEADERS = ("Authorization", "Accept", "Content-Type", "If-Match", "X-HTTP-Method-Override")
ODD = (
    *("", "*", '"', ";", "=", ",", "\xff", "a/b", "q=1e999", "Basic ", "Bearer ", "Basic 4pyT", "x y z", "\t", "*/*"),
    *("application/json", '; charset="', "; charset=utf-8", "W/", "multipart/form-data; boundary=x", "DELETE", "GET"),
)
ASKED = (
    *(WEB, NET, "/version", ACTIVATE, f"{HOSTS}/collections/all", "/objects/host/web", f"{NET}/collections/hosts"),
    *("/domain-types/service/collections/all", "/objects/host/%2e%2e", "/objects/folder_config/\\", "/objects/x/%ff"),
    *("/objects/host/web/actions/show_service/invoke", f"{FOLDERS}/collections/all", "/objects/folder_config/~~"),
)
QUERIES = (
    *("", "columns", "columns=&columns=x", "query=", "query=5", "query=%7B", "query=%5B%5D", "fields=!", "fields=(a"),
    *("effective_attributes=maybe", "parent=", "parent=/nope", "recursive=x", "hostnames=a%20b", "sites=", "site="),
    *("%ff=%ff", "a=%00", "service_description=", "delete_mode=x", "host_name=", "show_hosts=1&show_hosts=0"),
)
TEXTS = st.lists(st.sampled_from(ODD), max_size=3).map("".join)


@pytest.fixture(params=VERSIONS, scope="module")
def kept(request: pytest.FixtureRequest) -> Iterator[Raw]:
    with SimulatedSite(request.param, activation_time=0, services=6) as site:
        yield from _prepared(site)


@settings(max_examples=80, suppress_health_check=list(HealthCheck))
@given(
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS"]),
    path=st.sampled_from(ASKED),
    query=st.sampled_from(QUERIES),
    headers=st.dictionaries(
        st.sampled_from(HEADERS), st.lists(st.sampled_from(ODD), max_size=3).map("".join), max_size=3
    ),
    body=st.sampled_from([b"", b"{}", b"[]", b'{"attributes": {}}']),
)
def test_headers_and_queries_do_not_crash_the_site(
    kept: Raw, method: str, path: str, query: str, headers: dict[str, str], body: bytes
) -> None:
    client = Client(kept.site._app)
    given_headers = {**kept.auth, "Accept": "application/json", "Content-Type": "application/json", **headers}
    url = f"/s/check_mk/api/1.0{path}?{query}"
    answer = client.open(url, method=method, headers=given_headers, data=body)
    assert answer.status_code != 500
    if answer.status_code >= 400:
        assert answer.content_type == PROBLEM
        assert method == "HEAD" or answer.json["status"] == answer.status_code

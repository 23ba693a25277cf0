"""The client's requests and the simulated site's answers match the official OpenAPI documents."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any, Iterator

import pytest
from openapi_core import Config, OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse
from openapi_core.exceptions import OpenAPIError
from requests.adapters import HTTPAdapter

from checkmk_sync import Checkmk
from checkmk_sync.catalogue import OPERATIONS
from checkmk_sync.catalogue.versions import CheckmkVersion
from checkmk_sync.testing import ManualClock, SimulatedSite
from tests.conftest import shared_folder

DOCUMENTS = {
    "2.2.0p44": "checkmk-2.2.0p44-raw.json.gz",
    "2.3.0p41": "checkmk-2.3.0p41-commercial.json.gz",
    "2.4.0p18": "checkmk-2.4.0-raw-doc.json.gz",
    "2.5.0p9": "checkmk-2.5.0-ultimatemt.json.gz",
}
# Operations that servers have but some documents omit (source: specs/README.md).
LEFT_OUT = re.compile(
    r"/objects/host/[^/]+$|/domain-types/host/collections/all$|/collections/services$|GET .*/service/collections/all$"
)
# Errors in the documents. docs/conformance.md explains each of them.
WRONG = (
    (r"/domain-types/(host|service)/collections/all|/collections/services", r"value/\d+$"),  # items are not links
    (r"/objects/activation_run/", r"status_per_site/0/state$"),  # nullable, but the enumeration omits null
    (r"/host_config|/collections/hosts$", r"extensions/effective_attributes(/|$)"),  # null if no attribute is set
    (r"/objects/service_discovery/", r"/extensions/service_item$"),  # null for checks without an item
    (r"/service/collections/all$|/collections/services$", r"^query$"),  # 2.5: no value matches, not even the example
    (r"", r"snmp_community$"),  # 2.5: no value can match the schema
)


def _document(name: str) -> dict[str, Any]:
    with gzip.open(shared_folder("specs") / name) as file:
        found: dict[str, Any] = json.load(file)
    return found


class Checker:
    """Validates all requests and answers that pass through the adapter."""

    def __init__(self, version: str, base: str) -> None:
        document = _document(DOCUMENTS[version])
        document["servers"] = [{"url": base}]
        deserializers = {"application/problem+json": json.loads}
        config = Config(spec_validator_cls=None, extra_media_type_deserializers=deserializers)
        self._api = OpenAPI.from_dict(document, config=config)  # type: ignore[arg-type]
        self._base = base
        self.deviations: list[str] = []
        self.checked = 0

    def check(self, request: Any, response: Any) -> None:
        asked, answered = RequestsOpenAPIRequest(request), RequestsOpenAPIResponse(response)
        path = request.url.partition("?")[0][len(self._base) :]
        self.checked += 1
        for what, validate in (
            ("request", lambda: self._api.validate_request(asked)),
            ("answer", lambda: self._api.validate_response(asked, answered)),
        ):
            try:
                validate()
            except OpenAPIError as error:
                self._note(what, request.method, path, response, error)
            except (AttributeError, re.error):
                # Older validators fail on a null value of a schema with a discriminator, and on a pattern in 2.2
                # that is not a valid regular expression.
                assert "effective_attributes" in request.url

    def _note(self, what: str, method: str, path: str, response: Any, error: OpenAPIError) -> None:
        kind = type(error).__name__
        if kind in ("PathNotFound", "OperationNotFound") and LEFT_OUT.search(f"{method} {path}"):
            return
        if (
            kind in ("MissingData", "DataValidationError")
            and not response.content
            and response.status_code in (204, 302, 303)
        ):
            return  # the document has an empty description of a body that the answer rightly omits
        problems = getattr(error.__cause__, "schema_errors", None) or [error]
        for problem in problems:
            place = "/".join(map(str, getattr(problem, "path", ())))
            if not any(re.search(at, path) and re.search(where, place) for at, where in WRONG):
                text = getattr(problem, "message", str(problem))
                self.deviations.append(f"{what} {method} {path} -> {response.status_code}: {place}: {text:.300}")


@pytest.fixture(params=DOCUMENTS)
def watched(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, clock: ManualClock) -> Iterator[Any]:
    edition = {"2.3.0p41": "cee", "2.5.0p9": "ultimatemt"}.get(request.param, "cre")
    shared_folder("specs")
    with SimulatedSite(request.param, edition, services=8, clock=clock, hosts=3) as site:
        checker = Checker(request.param, site.api_url)
        send = HTTPAdapter.send

        def checked_send(self: HTTPAdapter, prepared: Any, *args: Any, **kwargs: Any) -> Any:
            response = send(self, prepared, *args, **kwargs)
            response.content
            checker.check(prepared, response)
            return response

        monkeypatch.setattr(HTTPAdapter, "send", checked_send)
        with site.client(clock=clock, caching={"enabled": False}) as cmk:
            yield cmk, checker


@pytest.mark.filterwarnings("ignore:Use of allowEmptyValue:DeprecationWarning")
def test_answers_of_typical_calls_match_the_official_document(watched: Any) -> None:
    cmk, checker = watched
    _folders(cmk)
    _hosts(cmk)
    _monitoring(cmk)
    _refusals(cmk)
    assert not checker.deviations, "\n".join(checker.deviations)
    assert checker.checked > 50


def _folders(cmk: Checkmk) -> None:
    cmk.version()
    cmk.folders.ensure("/a/b", title="B", attributes={"labels": {"x": "y"}, "tag_criticality": "test"})
    cmk.folders.update("/a", title="A", update_attributes={"tag_networking": "wan"})
    cmk.folders.update("/a", remove_attributes=["tag_networking"])
    cmk.folders.create("/c")
    cmk.folders.move("/c", "/a")
    assert len(list(cmk.folders.each())) == 4


def _hosts(cmk: Checkmk) -> None:
    attributes = {
        "ipaddress": "192.0.2.1",
        "alias": "Web 1",
        "labels": {"env": "prod"},
        "parents": [],
        "contactgroups": {"groups": ["all"], "use": True},
        "snmp_community": {"type": "v1_v2_community", "community": "public"},
    }
    cmk.hosts.create("web01", "/a/b", attributes)
    cmk.hosts.bulk_create([{"host_name": f"bulk{n}", "folder": "/a"} for n in range(3)])
    cmk.hosts.get("web01", effective_attributes=True)
    cmk.hosts.update("web01", update_attributes={"alias": "changed"})
    cmk.hosts.update("web01", lambda found: {**found, "alias": "again"})
    cmk.hosts.move("web01", "/a")
    cmk.hosts.bulk_update([{"host_name": "bulk0", "update_attributes": {"alias": "x"}}])
    cmk.hosts.bulk_update([{"host_name": "bulk0", "remove_attributes": ["alias"]}])
    assert len(list(cmk.hosts.each())) == 7
    assert len(list(cmk.hosts.each(folder="/a"))) == 4
    assert len(list(cmk.hosts.each(names=["bulk1", "web01"]))) == 2


def _monitoring(cmk: Checkmk) -> None:
    cmk.discovery.bulk(["bulk0", "bulk1"])
    cmk.discovery.discover("web01")
    cmk.discovery.set_phase("web01", "df", "/", "ignored")
    assert cmk.activation.pending()
    cmk.activation.activate(wait_for_hosts=["web01"])
    cmk.activation.running()
    list(cmk.host_status.each(search="web*", columns=["alias", "labels"]))
    cmk.host_status.get("web01", ["address"])
    list(cmk.services.each(host="web01", columns=["plugin_output"]))
    list(cmk.services.each())
    cmk.services.get("web01", "CPU load")
    assert cmk.hosts.bulk_delete(["bulk1", "bulk2"]).ok
    cmk.hosts.delete("bulk0")
    cmk.folders.delete("/a/c")


def _refusals(cmk: Checkmk) -> None:
    assert cmk.hosts.find("nope") is None
    assert cmk.folders.find("/nope") is None
    assert cmk.hosts.bulk_create([{"host_name": "web01"}]).not_applied
    assert cmk.hosts.bulk_update([{"host_name": "web01", "remove_attributes": ["ipv6address"]}]).applied
    with pytest.raises(Exception, match="409"):
        cmk.folders.delete("/a")
    with pytest.raises(Exception, match="400"):
        cmk.hosts.create("x", "/", {"bad": "x"})


@pytest.mark.parametrize("version", DOCUMENTS)
def test_every_row_of_the_catalogue_is_in_the_official_document(version: str) -> None:
    paths = _document(DOCUMENTS[version])["paths"]
    known = {(method.upper(), re.sub(r"\{[^}]*\}", "{}", path)) for path, ways in paths.items() for method in ways}
    parsed = CheckmkVersion.parse(version)
    for row in OPERATIONS:
        path = re.sub(r"\{[^}]*\}", "{}", row.path)
        if row.serves(parsed, "cre") and not LEFT_OUT.search(f"{row.method} {path}"):
            assert (row.method, path) in known, f"{row.noun}.{row.verb} is not in {version}"


@pytest.mark.parametrize("version", DOCUMENTS)
def test_if_match_is_sent_only_if_needed(version: str) -> None:
    paths = {re.sub(r"\{[^}]*\}", "{}", path): ways for path, ways in _document(DOCUMENTS[version])["paths"].items()}
    parsed = CheckmkVersion.parse(version)
    for row in OPERATIONS:
        described = paths.get(re.sub(r"\{[^}]*\}", "{}", row.path), {}).get(row.method.lower())
        if described is not None and row.serves(parsed, "cre"):
            needs = any(parameter.get("name") == "If-Match" for parameter in described.get("parameters", ()))
            assert row.if_match is needs, f"{row.noun}.{row.verb}"

"""Compares requests and answers with the official OpenAPI documents, if these are available."""

from __future__ import annotations

import functools
import gzip
import json
import re
from typing import Any

import pytest
from openapi_core import Config, OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse
from openapi_core.exceptions import OpenAPIError
from requests.adapters import HTTPAdapter

from checkmk_sync.testing import SimulatedSite
from tests.conftest import shared_folder

__all__ = ["DOCUMENTS", "EDITIONS", "LEFT_OUT", "VERSIONS", "Checker", "document", "watch"]

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
    (r"/contact_group_config/", r"inventory_paths$"),  # 2.5: no value can match the schema
    (r"/notification_rule/", r"^Additional properties"),  # 2.5: no option can match the schema
    (r"/parent_scan/", r"^gateway_hosts$"),  # 2.5: no value can match the schema
    (r"/rule/", r"host_tags/\d+$"),  # 2.5: no value can match the schema
    (r"/objects/rule/.*/move/invoke$", r"Additional properties.*'position'"),  # 2.5: no value can match the schema
    (r"/objects/ruleset/", r"'help', 'item_type', 'match_type'|^'folder' is a required"),  # sites differ
    (r"/time_period/", r" is not a 'time'$"),  # servers and the documents' own examples have no seconds or zone
    (r"/user_config/", r"^auth_option$"),  # 2.5: no value can match the schema
    (r"/(downtime|comment)/collections/all$", r"^'\{\"op\".* is not "),  # 2.2: the query is typed as an object
    (r"/downtime/", r"extensions$"),  # 2.4, 2.5: the discriminator is a boolean, so no value matches
    (r"/(downtime|acknowledge|comment|service|host)/", r"^query(/|$)"),  # 2.5: no query matches, not even the example
    (r"/(downtime|acknowledge|comment)/", r"Additional properties.*('expr|'left|_type')"),  # 2.5: nor other queries
    # 2.5: declared as JSON, but servers take plain text
    (r"/objects/(password|user_role)/", r"^Path parameter error: (name|role_id)$"),
    (r"/(password|user_role)/", r"^fields/"),  # 2.5: declared as strings
)


EDITIONS = {"2.2.0p44": "cre", "2.3.0p41": "cee", "2.4.0p18": "cre", "2.5.0p9": "ultimatemt"}
# For tests that the core suite runs only on two of the versions.
VERSIONS = [pytest.param(name, marks=[pytest.mark.slow] * name.startswith(("2.3", "2.5"))) for name in EDITIONS]
_BASE = "http://checkmk.example/s/check_mk/api/1.0"


def document(version: str) -> dict[str, Any]:
    """Return the official document of a version. Skip the test if it is not available."""
    with gzip.open(shared_folder("specs") / DOCUMENTS[version]) as file:
        found: dict[str, Any] = json.load(file)
    return found


@functools.cache
def _api(version: str) -> OpenAPI:
    """Return the validator of a version, which takes a second to create and is the same for all sites."""
    deserializers = {"application/problem+json": json.loads}
    config = Config(spec_validator_cls=None, extra_media_type_deserializers=deserializers)
    return OpenAPI.from_dict({**document(version), "servers": [{"url": _BASE}]}, config=config)  # type: ignore[arg-type]


class Checker:
    """Validates the requests to a site and its answers."""

    def __init__(self, version: str, base: str) -> None:
        self._api = _api(version)
        self._base = base
        self.deviations: list[str] = []
        self.checked = 0

    def check(self, request: Any, response: Any) -> None:
        request = request.copy()
        request.url = request.url.replace(self._base, _BASE)
        asked, answered = RequestsOpenAPIRequest(request), RequestsOpenAPIResponse(response)
        path = request.url.partition("?")[0][len(_BASE) :]
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
            except TypeError:  # the validator cannot read a parameter with two types, as in 2.5
                assert re.search("/objects/(aux_tag|host_tag_group)/", request.url)

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
            place, text = "/".join(map(str, getattr(problem, "path", ()))), getattr(problem, "message", str(problem))
            if not any(
                re.search(at, path) and re.search(where, found) for at, where in WRONG for found in (place, text)
            ):
                self.deviations.append(f"{what} {method} {path} -> {response.status_code}: {place}: {text:.300}")


def watch(monkeypatch: pytest.MonkeyPatch, site: SimulatedSite, version: str) -> Checker:
    """Return a checker of all exchanges with a site from now on."""
    checker = Checker(version, site.api_url)
    send = HTTPAdapter.send

    def checked_send(self: HTTPAdapter, prepared: Any, *args: Any, **kwargs: Any) -> Any:
        response = send(self, prepared, *args, **kwargs)
        response.content
        checker.check(prepared, response)
        return response

    monkeypatch.setattr(HTTPAdapter, "send", checked_send)
    return checker

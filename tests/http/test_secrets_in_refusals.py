"""Refusals that quote the request stay readable, but never show a secret, an encoded secret or a part of one."""

from __future__ import annotations

import html
import json
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import responses

from checkmk_sync import Checkmk
from checkmk_sync.core.redaction import HIDDEN
from checkmk_sync.errors import BadRequestError, CheckmkError
from checkmk_sync.testing import SimulatedSite

ALLOWED = ["v1_v2_community", "v3_auth_no_privacy", "v3_auth_privacy", "v3_no_auth_no_privacy"]
V3 = {
    "type": "v3_auth_privacy",
    "security_name": "monitoring-user",
    "auth_protocol": "SHA-2-256",
    "auth_password": "hunter2-hunter2",
    "privacy_protocol": "AES-128",
    "privacy_password": "geheim-geheim",
}
SECRETS = [
    "hunter2-hunter2",
    "it's",
    'a "quoted" one',
    "back\\slash",
    "Geheimnis für alle",
    "line\nbreak",
    "tab\tand <b>tags</b> & more",
    "emoji 😀 😀",
    "%41+%42",
]


def _refusal(fields: Any = None, **told: Any) -> dict[str, Any]:
    return {
        "title": "Bad Request",
        "status": 400,
        "detail": "These fields have problems",
        "fields": fields or {},
        **told,
    }


def _refused(attributes: Any, answer: Any, status: int = 400) -> CheckmkError:
    """Update ``attributes``, let the site answer as given, and return the error."""
    base = "https://mon.example.com/prod/check_mk/api/1.0/objects/host_config/web01"
    body = answer if isinstance(answer, str) else json.dumps(answer)
    found = {"id": "web01", "extensions": {"folder": "/", "attributes": {}}}
    with responses.RequestsMock() as mock:
        mock.get(base, json=found, headers={"ETag": '"1"'})
        mock.put(base, status=status, body=body, content_type="application/problem+json")
        with Checkmk("https://mon.example.com", "prod", "automation", "x" * 12, timeouts={"settle_s": 0}) as cmk:
            with pytest.raises(CheckmkError) as caught:
                cmk.hosts.update("web01", update_attributes=attributes)
    return caught.value


def _all_said(error: CheckmkError) -> str:
    return "\n".join((str(error), repr(error), json.dumps(error.to_dict(), ensure_ascii=False), repr(vars(error))))


def test_refusals_name_the_field(site: SimulatedSite, cmk: Checkmk) -> None:
    cmk.hosts.create("web01")
    with pytest.raises(BadRequestError) as caught:
        cmk.hosts.update("web01", update_attributes={"snmp_community": {"type": "v2", "community": "hunter2"}})
    said = str(caught.value)
    assert "snmp_community.type: Unsupported value" in said
    assert "hunter2" not in said
    with pytest.raises(BadRequestError, match="Missing data for required field") as caught:
        cmk.hosts.update("web01", update_attributes={"snmp_community": {"type": "v3_auth_no_privacy"}})
    assert "snmp_community.auth_protocol" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "Unknown field: 'community'",
        f"'v9' is not one of the enum values: {ALLOWED!r}",
        "Field 'auth_password' is missing for type 'v3_auth_privacy' with 'SHA-2-256' and 'AES-128'.",
        'Unsupported value for "type"; it is one of ["v1_v2_community"]',
    ],
)
@pytest.mark.parametrize("path", ["snmp_community", "body.attributes.snmp_community.type"])
def test_names_of_fields_and_allowed_values_are_readable(path: str, text: str) -> None:
    error = _refused({"snmp_community": V3}, _refusal({path: [text]}))
    assert text in str(error)


@pytest.mark.parametrize("secret", SECRETS, ids=ascii)
@pytest.mark.parametrize("name", ["snmp_community", "management_ipmi_credentials", "api_token"])
def test_encoded_secrets_are_hidden(secret: str, name: str) -> None:
    value = {"community": secret, "type": "v1_v2_community"} if name != "api_token" else secret
    forms = {
        secret,
        repr(secret),
        repr(value),
        repr(repr(value)),
        json.dumps(secret),
        json.dumps(json.dumps(value)),
        json.dumps(value, ensure_ascii=False),
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        html.escape(secret),
        html.escape(repr(value)).replace("&#x27;", "&#39;"),
        secret.encode("unicode_escape").decode(),
        f'"{secret}"',
        f"`{secret}`",
    }
    for form in forms:
        text = f"Unsupported value: {form}, sorry"
        for answer in (
            _refusal({name: [text]}),
            _refusal({"attributes": {"update": [text]}}),
            _refusal(detail=text, title=text, ext={"value": text, text: 1}),
            f"<html><h1>400</h1>{text}</html>",
        ):
            shown = _all_said(_refused({name: value, "alias": "Web"}, answer))
            for piece in (secret, json.dumps(secret)[1:-1], quote(secret), html.escape(secret)):
                assert piece not in shown, (form, shown)
            assert "Unsupported value" in shown or "***" in shown


@pytest.mark.parametrize("shown", ["hunter2-h…", "hunter2-hu...", "…nter2-hunter2", "unter2", "xhunter2-hunter"])
@pytest.mark.parametrize("template", ["'{}'", '"{}"', "{}", "starts with {}, which is wrong", "[{}]", "type={}"])
def test_pieces_of_a_secret_are_hidden_in_refusals_about_it(shown: str, template: str) -> None:
    text = f"Unsupported value: {template.format(shown)}"
    said = _all_said(_refused({"snmp_community": V3}, _refusal({"snmp_community": {"auth_password": [text]}})))
    assert "unter2" not in said
    assert f"Unsupported value: {template.format(HIDDEN).split(HIDDEN)[0]}" in said


def test_quoted_pieces_are_hidden_everywhere() -> None:
    said = _all_said(
        _refused({"snmp_community": V3}, _refusal(detail="Cannot store 'hunter2-h…' for the host 'web01'"))
    )
    assert "Cannot store '***' for the host 'web01'" in said


@pytest.mark.parametrize("secret", ["abc", "a", "ü", 123, 12345, 1.5, ["list", "of-secrets"]], ids=repr)
def test_short_secrets_and_numbers_are_hidden(secret: Any) -> None:
    """They are hidden only if quoted or in a message about their field, so that not every letter "a" is masked."""
    one = secret[1] if isinstance(secret, list) else secret
    fields = {"snmp_community": [f"Unsupported value: {one!r}", f"Unsupported value: {one}"]}
    error = _refused({"snmp_community": {"community": secret}}, _refusal(fields, detail="a word, cannot"))
    assert isinstance(error, BadRequestError)
    first, second = error.fields["snmp_community"]
    assert first.replace("'", "") == second == "Unsupported value: ***"
    assert error.detail == "a word, cannot"


def test_public_values_that_are_part_of_a_secret_stay_readable() -> None:
    """Names, tags and hosts that were sent in the same request stay readable."""
    error = _refused(
        {"snmp_community": {"community": "web01-prod-monitoring"}, "tag_criticality": "prod"},
        _refusal({"tag_criticality": ["'prod' is not one of: 'test'"], "snmp_community": ["monitoring is bad"]}),
    )
    assert "'prod' is not one of: 'test'" in str(error)
    assert "snmp_community: *** is bad" in str(error)

"""The name of an attribute makes its value secret, even if the name is misspelled. No text output shows the value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.catalogue.attributes import BUILT_IN
from checkmk_sync.core.redaction import is_secret_name
from checkmk_sync.sync import apply_plan, from_data, make_plan, report_as_text
from checkmk_sync.testing import SimulatedSite
from tests.conftest import Run

MISSPELLED = [
    *("snmp_comunity", "snmp_commnity", "snmp_commuinty", "snmpcomunity", "snmpComunity", "SNMP_COMUNITY"),
    *("snmp-comunity", "snmp_com_unity", "managment_snmp_comunity", "management_ipmi_credentails", "comunities"),
    *("pasword", "paswd", "pssword", "secrt", "sercet", "tokn", "tokne", "acces_key", "privat_key"),
]


@pytest.mark.parametrize("name", [*MISSPELLED, "pwd", "db_pwd", "pw", "bind-pw", "passcode"])
def test_misspelled_and_short_names_of_secrets_are_secret(name: str) -> None:
    assert is_secret_name(name)


def test_other_names_are_not_secret() -> None:
    secret = {"snmp_community", "management_snmp_community", "management_ipmi_credentials"}
    assert {name for name in BUILT_IN if is_secret_name(name)} == secret
    others = "passive_checks commit comment common communication secure passed token-less keyword public_key section"
    assert [name for name in others.split() if is_secret_name(name)] == ["token-less"]
    assert not is_secret_name("x" * 100_000)


@pytest.mark.parametrize("name", ["snmp_comunity", "pwd", "pasword"])
@pytest.mark.parametrize("options", [[], ["--json"], ["--markdown"]])
def test_a_plan_does_not_show_secrets(
    site_for_cli: SimulatedSite, sync: Run, tmp_path: Path, name: str, options: list[str]
) -> None:
    (tmp_path / "a.yaml").write_text(f"hosts:\n- name: a\n  attributes: {{{name}: hunter2}}\n")
    (tmp_path / "b.csv").write_text(f"name,{name}\nb,hunter2\n")
    shown = sync("plan", str(tmp_path / "a.yaml"), str(tmp_path / "b.csv"), *options)
    assert (shown.code, "***" in shown.out.replace("\\", "")) == (0, True), shown.err
    assert "hunter2" not in shown.out + shown.err


V3 = {
    "type": "v3_auth_no_privacy",
    "auth_protocol": "MD5-96",
    "security_name": "monitoring",
    "auth_password": "hunter2hunter2",
}


@pytest.mark.parametrize("value", ["hunter2hunter2", json.dumps(V3)])
def test_text_output_hides_secrets_and_json_shows_them(site_for_cli: SimulatedSite, sync: Run, value: str) -> None:
    given = ("--attribute", f"snmp_community={value}", "--attribute", "alias=shown")
    label = ("--label", "api_token=hunter2")
    sync("folders", "create", "/linux")
    commands: list[tuple[str, ...]] = [
        ("hosts", "create", "web01", *given, *label),
        ("hosts", "update", "web01", "--attribute", "alias=shown", "--label", "a=b"),
        ("hosts", "get", "web01"),
        ("hosts", "get", "web01", "--effective"),
        ("hosts", "move", "web01", "/linux"),
        ("hosts", "list", "--search", "web01"),
        ("folders", "update", "/linux", "--attribute", f"snmp_community={value}"),
        ("folders", "get", "/linux"),
        ("folders", "list"),
    ]
    for command in commands:
        shown = sync(*command)
        assert shown.code == 0, shown.err
        assert "hunter2" not in shown.out + shown.err, command
        if command[1] not in ("list", "move"):
            assert "snmp_community: ***" in shown.out
    assert "alias: shown" in sync("hosts", "get", "web01").out
    assert sync("hosts", "get", "web01", "--json").out.count("hunter2") >= 2
    for noun in ("hosts", "folders"):
        assert "Secret values are shown only with --json." in " ".join(sync(noun, "get", "--help").out.split())


MASKS: list[dict[str, Any]] = [
    {"snmp_community": "***"},
    {"snmp_community": {"type": "v1_v2_community", "community": "***"}},
    {"management_ipmi_credentials": {"username": "u", "password": "***"}},
    {"management_snmp_community": '{"type": "v1_v2_community", "community": "***"}'},
    {"api_token": "***"},
    {"api_token": '["***"]'},
    {"note": {"inner": [{"pwd": " *** "}]}},
]


@pytest.mark.parametrize("attributes", MASKS)
def test_masked_secrets_are_refused_by_every_call(
    site: SimulatedSite, cmk: Checkmk, attributes: dict[str, Any]
) -> None:
    cmk.hosts.create("web01")
    cmk.folders.create("/linux")
    before = len([request for request in site.requests if request.method in ("POST", "PUT")])
    (name,) = attributes
    for call in (
        lambda: cmk.hosts.create("new", "/", attributes),
        lambda: cmk.hosts.update("web01", attributes=attributes),
        lambda: cmk.hosts.update("web01", update_attributes=attributes),
        lambda: cmk.hosts.update("web01", lambda now: {**now, **attributes}),
        lambda: cmk.hosts.bulk_create([{"host_name": "new", "attributes": attributes}]).raise_for_failures(),
        lambda: cmk.hosts.bulk_update([{"host_name": "web01", "update_attributes": attributes}]).raise_for_failures(),
        lambda: cmk.folders.create("/new", attributes=attributes),
        lambda: cmk.folders.ensure("/new", attributes=attributes),
        lambda: cmk.folders.update("/linux", update_attributes=attributes),
    ):
        with pytest.raises(Exception, match=rf"'{name}'.*\*\*\* stands for a secret that was not shown"):
            call()
    assert len([request for request in site.requests if request.method in ("POST", "PUT")]) == before


def test_stars_elsewhere_are_ordinary_text(cmk: Checkmk) -> None:
    assert cmk.hosts.create("web01", "/", {"alias": "***"}).attributes["alias"] == "***"
    assert cmk.hosts.create("web02", "/", {"snmp_community": "*** x"}).attributes["snmp_community"]


def test_a_site_with_masked_secrets_can_be_changed(site: SimulatedSite, cmk: Checkmk) -> None:
    """Another client may have stored masks as secrets. Updates of other attributes still succeed."""
    cmk.hosts.create("web01", "/", {"snmp_community": "x"})
    site.state.configuration.hosts["web01"].attributes["snmp_community"]["community"] = "***"
    assert cmk.hosts.update("web01", lambda now: {**now, "alias": "a"}).attributes["alias"] == "a"


@pytest.mark.parametrize("kind", ["hosts", "folders"])
def test_a_sync_reports_masked_secrets_on_the_site(site: SimulatedSite, cmk: Checkmk, kind: str) -> None:
    def applied(credentials: dict[str, str]) -> Any:
        entry = {"name" if kind == "hosts" else "path": "/x".lstrip("/" if kind == "hosts" else "")}
        data = {kind: [{**entry, "attributes": {"management_ipmi_credentials": credentials}}]}
        return apply_plan(cmk, make_plan(cmk, from_data(data), owner="me"))

    assert applied({"username": "a", "password": "hunter2"}).ok
    configuration = site.state.configuration
    found = configuration.hosts["x"] if kind == "hosts" else configuration.folders["/x"]
    found.attributes["management_ipmi_credentials"]["password"] = "***"
    report = applied({"username": "b"})
    assert not report.ok
    assert "management_ipmi_credentials of" in report_as_text(report)
    assert "*** stands for a secret" in report_as_text(report)
    assert applied({"username": "b", "password": "hunter3"}).ok


@pytest.mark.parametrize(
    "words",
    [
        ("hosts", "create", "new", "--attribute", "snmp_community=***"),
        ("hosts", "create", "new", "--label", "api_token=***"),
        (
            "hosts",
            "update",
            "host00000",
            "--attribute",
            'snmp_community={"type": "v1_v2_community", "community": "***"}',
        ),
        ("hosts", "update", "host00000", "--attribute", 'labels={"api_token": "***"}'),
        ("folders", "update", "/", "--attribute", "snmp_community=***"),
    ],
)
def test_masked_secrets_are_refused_on_the_command_line(
    site_for_cli: SimulatedSite, sync: Run, words: tuple[str, ...]
) -> None:
    refused = sync(*words)
    name = "snmp_community" if "snmp_community" in words[-1] else words[-1].partition("=")[0]
    assert (refused.code, refused.out) == (2, "")
    assert name in refused.err
    assert "*** stands for a secret that was not shown" in refused.err
    assert not [request for request in site_for_cli.requests if request.method in ("POST", "PUT")]


@pytest.mark.parametrize(
    ("attribute", "said"),
    [
        (
            'snmp_community={"type":',
            "--attribute snmp_community: the hidden value starts like JSON but is not valid JSON",
        ),
        (
            'snmp_community={"type": "x", hunter2}',
            "the hidden value starts like JSON but is not valid JSON (character 15: Expecting property name",
        ),
        (
            'pwd={"hunter2": 1, "hunter2": 2}',
            "--attribute pwd: the hidden value starts like JSON but is not valid JSON",
        ),
        ("parents=[", "--attribute parents: '[' starts like JSON"),
        ("inventory_failed=maybe", "--attribute inventory_failed: 'maybe' is not true or false"),
    ],
)
def test_errors_about_attribute_values_name_the_attribute(
    site_for_cli: SimulatedSite, sync: Run, attribute: str, said: str
) -> None:
    for command in (("hosts", "create", "new"), ("hosts", "update", "host00000"), ("folders", "update", "/")):
        refused = sync(*command, "--attribute", attribute)
        assert (refused.code, refused.out) == (2, "")
        assert said in refused.err
        assert "hunter2" not in refused.err
        assert refused.err.count("\n") == 1

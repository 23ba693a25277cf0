"""Secrets in inventories are applied but not shown in plans, reports, mistakes or reprs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import responses

from checkmk_sync import Checkmk
from checkmk_sync.client.records import Folder, Host
from checkmk_sync.config.secrets import SecretSource
from checkmk_sync.errors import InventoryError
from checkmk_sync.sync import (
    Options,
    apply_plan,
    diff,
    from_data,
    load,
    make_plan,
    plan_as_markdown,
    plan_as_text,
    report_as_text,
)
from checkmk_sync.testing import SimulatedSite
from tests.conftest import MakeClient
from tests.sync.test_plan import held, holding


def _inventory(secret: str) -> dict[str, Any]:
    attributes = {
        "alias": "shown",
        "snmp_community": {"type": "v1_v2_community", "community": secret},
        "management_snmp_community": {"type": "v1_v2_community", "community": secret},
        "management_ipmi_credentials": {"username": "u", "password": secret},
    }
    return {"hosts": [{"name": "a", "attributes": attributes}], "folders": [{"path": "/f", "attributes": {}}]}


def test_secrets_are_applied_and_never_shown(site: SimulatedSite, cmk: Checkmk) -> None:
    shown: list[str] = []
    for secret in ("hunter2", "hunter3"):
        desired = from_data(_inventory(secret))
        plan = make_plan(cmk, desired, owner="me")
        report = apply_plan(cmk, plan)
        assert report.ok
        assert site.state.configuration.hosts["a"].attributes["snmp_community"]["community"] == secret
        shown += [plan_as_text(plan), plan_as_markdown(plan), json.dumps(plan.to_dict()), report_as_text(report)]
        shown += [json.dumps(report.to_dict()), repr(plan), repr(report), repr(desired)]
    assert not [text for text in shown if "hunter" in text]
    assert "+ host a: alias shown, management_ipmi_credentials ***, management_snmp_community ***" in shown[0]
    changes = "management_ipmi_credentials.password changes, management_snmp_community.community changes"
    assert f"~ host a: {changes}" in plan_as_text(plan)
    (change,) = plan.to_dict()["changes"]
    assert change["properties"]["attributes.snmp_community"] == ["***", "***"]


def test_the_removal_of_a_secret_is_shown(cmk: Checkmk) -> None:
    apply_plan(cmk, make_plan(cmk, from_data(_inventory("hunter2")), owner="me"))
    gone = from_data({"hosts": [{"name": "a", "attributes": {"snmp_community": None}}]})
    assert "~ host a: snmp_community *** -> (not set)" in plan_as_text(make_plan(cmk, gone, owner="me"))


def test_the_checksum_depends_on_secrets(cmk: Checkmk) -> None:
    sums = {make_plan(cmk, from_data(_inventory(secret))).checksum for secret in ("hunter2", "hunter3", "hunter2")}
    assert len(sums) == 2


def test_mistakes_do_not_show_secrets(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("hosts:\n- name: a\n  attributes:\n    snmp_community: {x: hunter2, y: .nan}\n")
    (tmp_path / "b.csv").write_text("name,management_ipmi_credentials\na,{hunter2\n")
    for name in ("a.yaml", "b.csv"):
        with pytest.raises(InventoryError, match="(snmp_community|credentials)") as caught:
            load(tmp_path / name)
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "host",
    [
        {"attributes": {"snmp_community": "***"}},
        {"attributes": {"snmp_community": {"type": "v1_v2_community", "community": "***"}}},
        {"attributes": {"remote": [{"password": "***"}]}},
        {"labels": {"token": "***"}},
    ],
)
def test_a_masked_secret_is_refused_as_a_value(host: dict[str, Any]) -> None:
    """Copying a shown value into an inventory would overwrite the secret with asterisks."""
    with pytest.raises(InventoryError, match=r"\*\*\* stands for a secret"):
        from_data({"hosts": [{"name": "a", **host}]})
    assert from_data({"hosts": [{"name": "a", "attributes": {"alias": "***"}, "labels": {"env": "***"}}]})


def test_labels_with_secret_names_are_hidden() -> None:
    plan = diff(from_data({"hosts": [{"name": "a", "labels": {"token": "hunter2", "env": "shown"}}]}), holding())
    for text in (plan_as_text(plan), plan_as_markdown(plan), json.dumps(plan.to_dict())):
        assert "hunter2" not in text
        assert "shown" in text


NESTED = {
    "remote_access": {"user": "shown", "password": "hunter2", "keys": [{"api_key": "hunter2"}]},
    "api_key": "hunter2",
    "passphrase": "hunter2",
    "wifi_psk": "hunter2",
    "keyboard": "shown",
}


def test_secrets_are_hidden_at_any_depth(cmk: Checkmk) -> None:
    desired = from_data({"hosts": [{"name": "a", "attributes": NESTED}]})
    plan = diff(desired, holding())
    for text in (plan_as_text(plan), plan_as_markdown(plan), json.dumps(plan.to_dict())):
        assert "hunter2" not in text
        assert "shown" in text
    other = {**NESTED["remote_access"], "password": "hunter3"}
    changed = diff(desired, holding(held("host", "a", **{**_paths(NESTED), "attributes__remote_access": other})))
    assert plan_as_text(changed).splitlines()[0] == "~ host a: remote_access.password changes"
    assert "hunter" not in json.dumps(changed.to_dict())
    host = Host("a", "/", NESTED, NESTED)
    assert "hunter" not in repr(host) + repr(Folder("/a", "A", NESTED))


def _paths(attributes: dict[str, Any]) -> dict[str, Any]:
    return {f"attributes__{name}": value for name, value in attributes.items()}


SECRET = "s3cr3t'!\\ü"


@pytest.mark.parametrize("version", ["2.4.0p18", "2.5.0p9"])
@pytest.mark.parametrize("secret", [SECRET, "ab"])
def test_refused_secrets_repeated_by_the_site_are_hidden(version: str, secret: str) -> None:
    """Checkmk's validators repeat the refused value."""
    key = "auth_password" if secret is SECRET else "community"
    said = f"string {secret!r} is too short. The minimum length is 8."
    tree: dict[str, Any] = {"entries": {"0": {"attributes": {"snmp_community": {key: [said]}}}}}
    if version > "2.5":
        path = f"body.entries.0.attributes.snmp_community.{key}"
        tree = {path: {"type": "string_too_short", "loc": path.split("."), "msg": said, "input": secret}}
    detail = f"These fields have problems: entries ({json.dumps(secret)})" if secret is SECRET else "no"
    problem = {"title": "Bad Request", "status": 400, "detail": detail, "fields": tree}
    community = {"type": "v1_v2_community", "community": secret}
    if secret is SECRET:
        community = {"type": "v3_auth_no_privacy", "auth_protocol": "MD5-96", "security_name": "u", key: secret}
    base = "https://mon/s/check_mk/api/1.0"
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        head = {"X-Checkmk-Version": version, "X-Checkmk-Edition": "cre"}
        for name in ("folder_config", "host_config", "activation_run"):
            end = "pending_changes" if name == "activation_run" else "all"
            mock.get(f"{base}/domain-types/{name}/collections/{end}", json={"value": []}, headers=head)
        mock.post(f"{base}/domain-types/host_config/actions/bulk-create/invoke", status=400, json=problem, headers=head)
        with Checkmk("https://mon", "s", "u", "x" * 9) as cmk:
            desired = from_data({"hosts": [{"name": "sw1", "attributes": {"snmp_community": community}}]})
            report = apply_plan(cmk, make_plan(cmk, desired), Options(discover=False, activate=False))
    text = report_as_text(report)
    assert f"{key}: string *** is too short" in text.replace("'", "").replace('"', "")
    for shown in (text, json.dumps(report.to_dict(), ensure_ascii=False), repr(report.results)):
        assert secret not in shown
        assert "s3cr3t" not in shown


# References in the attributes of hosts and folders

COMMUNITY = {"type": "v1_v2_community", "community": "secret:snmp"}
SOURCES = {"snmp": SecretSource(value="hunter2")}


def _with_reference(kind: str, **top: Any) -> Any:
    entry = {"host": {"hosts": [{"name": "a"}]}, "folder": {"folders": [{"path": "/f"}]}}[kind]
    (items,) = entry.values()
    items[0]["attributes"] = {"alias": "secret:shown", "snmp_community": COMMUNITY, "wifi_psk": "secret:snmp"}
    if kind == "folder":
        del items[0]["attributes"]["alias"]
    return from_data({**entry, **top})


@pytest.mark.parametrize("kind", ["host", "folder"])
def test_an_attribute_can_refer_to_a_secret(site: SimulatedSite, connect: MakeClient, kind: str) -> None:
    site.add_custom_attribute("wifi_psk")
    cmk = connect(site, secrets=SOURCES)
    plan = make_plan(cmk, _with_reference(kind), owner="me")
    assert "hunter2" not in json.dumps([change.checksum_data() for change in plan.changes], default=str)
    assert apply_plan(cmk, plan).ok
    configuration = site.state.configuration
    written = configuration.hosts["a"].attributes if kind == "host" else configuration.folders["/f"].attributes
    assert written["snmp_community"] == {"type": "v1_v2_community", "community": "hunter2"}
    assert written["wifi_psk"] == "hunter2"
    assert kind == "folder" or written["alias"] == "secret:shown"
    assert not make_plan(cmk, _with_reference(kind), owner="me").changes
    always = make_plan(cmk, _with_reference(kind, secrets="always"), owner="me")
    assert [change.action.value for change in always.changes] == ["update"]
    assert always.warnings == (
        "the secrets of 1 object are written even if they are unchanged, because of 'secrets: always'",
    )


def test_a_reference_to_an_unknown_secret_is_a_mistake(cmk: Checkmk) -> None:
    with pytest.raises(InventoryError, match="snmp_community names the unknown secret 'snmp'; add it to the section"):
        make_plan(cmk, _with_reference("host"), owner="me")


def test_a_reference_in_a_part_that_is_shown_is_a_mistake(site: SimulatedSite, connect: MakeClient) -> None:
    wrong = {"type": "v3_auth_no_privacy", "auth_protocol": "MD5-96", "security_name": "secret:snmp"}
    attributes = {"snmp_community": {**wrong, "auth_password": "secret:snmp"}}
    with pytest.raises(InventoryError, match="snmp_community contains 'secret:snmp', which is not in a part with"):
        make_plan(connect(site, secrets=SOURCES), from_data({"hosts": [{"name": "a", "attributes": attributes}]}))

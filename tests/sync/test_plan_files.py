"""A saved plan is the same after loading, contains no secrets, and a mistake in the file is one clear error."""

from __future__ import annotations

import dataclasses
import json
import os
import stat
from pathlib import Path
from typing import Any, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync import Checkmk
from checkmk_sync.client.nouns.activation import PendingChange
from checkmk_sync.config.secrets import SecretSource
from checkmk_sync.errors import SettingsError
from checkmk_sync.sync import Plan, apply_plan, diff, from_data, load_plan, make_plan, save_plan
from checkmk_sync.sync.limits import Limits
from checkmk_sync.testing import SimulatedSite
from tests.conftest import MakeClient
from tests.sync.random_inventory import Inventory, following, random_inventory
from tests.sync.test_plan import held, holding
from tests.sync.weekly import SECRETS


def _again(plan: Plan, folder: Path) -> Plan:
    save_plan(plan, folder / "plan.json")
    return load_plan(folder / "plan.json")


def _without_secrets(inventory: Inventory) -> Inventory:
    """Return an inventory with references in place of the URLs of the notifications."""
    for rule in inventory["notification_rules"]:
        rule["method"]["plugin_params"]["webhook_url"]["url"] = "secret:chat"
    return inventory


# The round trip


@pytest.mark.parametrize("seed", range(12))
def test_a_loaded_plan_is_equal(site: SimulatedSite, connect: MakeClient, tmp_path: Path, seed: int) -> None:
    cmk = connect(site, secrets={**SECRETS, "chat": SecretSource(value="https://chat.example.com/")})
    before, after = (_without_secrets(random_inventory(2 * seed + n)) for n in range(2))
    for inventory in (before, following(after, before)):
        plan = make_plan(cmk, from_data(inventory), owner="cmdb").with_permissions(allow_changes=7)
        loaded = _again(plan, tmp_path)
        assert (loaded, loaded.checksum) == (plan, plan.checksum)
        assert (loaded.limits, loaded.confirmed, loaded.is_saved) == (plan.limits, plan.confirmed, True)
        for one, other in zip(loaded.changes, plan.changes):
            names = ("wave", "after", "place", "location", "removes_parts")
            assert [getattr(one, name) for name in names] == [getattr(other, name) for name in names]
        assert [change.id for change in loaded.changes] == [change.id for change in plan.changes]
        assert apply_plan(cmk, plan).ok


_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=6,
)
_literals = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.integers(), inner),
    max_leaves=6,
)


@given(
    attributes=st.dictionaries(st.sampled_from(["a", "a.b", "x y", "ü"]), _json),
    labels=st.dictionaries(st.sampled_from(["env", "a.b/c", " "]), _texts),
    value=_literals,
    words=st.lists(_texts, max_size=3).map(tuple),
    number=st.integers(0, 10**9),
)
def test_any_value_survives(
    tmp_path_factory: pytest.TempPathFactory, attributes: Any, labels: Any, value: Any, words: Any, number: int
) -> None:
    host = {"name": "a", "attributes": {"alias": "new"}}
    plan = diff(from_data({"hosts": [host]}), holding(held("host", "a")), owner=None, site="https://mon")
    (change,) = plan.changes
    properties = {
        **{("attributes", name): (inner, None) for name, inner in attributes.items()},
        **{("labels", name): (None, inner) for name, inner in labels.items()},
    }
    rule = dataclasses.replace(change, kind="rule", key="r", properties={("value",): (None, value)}, existing=None)
    changed = dataclasses.replace(
        plan,
        changes=(dataclasses.replace(change, properties=properties), _created(rule)),
        warnings=words,
        undiscovered=words,
        unchanged=number,
        owned_by_kind={"host": number},
        pending=(PendingChange("1", None, "edit", "x", ""),),
        limits=Limits.of().with_overrides(number % 1000, "2.50%"),
        confirmed=frozenset(words),
    )
    loaded = _again(changed, tmp_path_factory.mktemp("plans"))
    assert (loaded, loaded.checksum) == (changed, changed.checksum)
    assert (loaded.limits, loaded.confirmed) == (changed.limits, changed.confirmed)


def _created(change: Any) -> Any:
    from checkmk_sync.sync import Action

    return dataclasses.replace(change, action=Action.CREATE)


def test_the_file_is_private_and_replaced_as_a_whole(tmp_path: Path, cmk: Checkmk) -> None:
    path = tmp_path / "plan.json"
    path.write_text("old")
    path.chmod(0o644)
    plan = make_plan(cmk, from_data({"hosts": [{"name": "a"}]}), owner="me")
    save_plan(plan, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["plan.json"]
    for bad in (tmp_path, tmp_path / "missing" / "plan.json"):
        with pytest.raises(SettingsError, match="the plan cannot be written: "):
            save_plan(plan, bad)
    broken = dataclasses.replace(plan, warnings=("\ud800",))
    with pytest.raises(SettingsError, match="cannot be written: a value contains half of a character"):
        save_plan(broken, path)
    assert load_plan(path) == plan


# Secrets

COMMUNITY = {"type": "v1_v2_community", "community": "hunter2"}
CLEAR: dict[str, tuple[dict[str, Any], str]] = {
    "host": ({"hosts": [{"name": "a", "attributes": {"snmp_community": COMMUNITY}}]}, "attributes.snmp_community"),
    "custom": ({"hosts": [{"name": "a", "attributes": {"wifi_psk": "hunter2"}}]}, "attributes.wifi_psk"),
    "nested": (
        {"hosts": [{"name": "a", "attributes": {"remote": [{"api_key": "hunter2"}]}}]},
        "attributes.remote",
    ),
    "label": ({"hosts": [{"name": "a", "labels": {"token": "hunter2"}}]}, "labels.token"),
    "password": (
        {"passwords": [{"name": "p", "title": "P", "password": "hunter2", "editable_by": "admin"}]},
        "password",
    ),
    "user": ({"users": [{"name": "u", "fullname": "U", "password": "hunter2"}]}, "password"),
    "rule": (
        {"rules": [{"name": "r", "ruleset": "snmp_communities", "folder": "/", "value": "hunter2"}]},
        "value",
    ),
    "url": (
        {
            "rules": [
                {"name": "r", "ruleset": "custom_checks", "folder": "/", "value": {"url": "https://u:hunter2@example"}}
            ]
        },
        "value",
    ),
}


@pytest.mark.every_case
@pytest.mark.parametrize("name", CLEAR)
def test_a_secret_in_the_clear_is_refused(tmp_path: Path, name: str) -> None:
    inventory, field = CLEAR[name]
    plan = diff(from_data(inventory), holding(), owner="me")
    with pytest.raises(SettingsError, match=f"^{field} of .* contains a secret, which a saved plan must not") as caught:
        save_plan(plan, tmp_path / "plan.json")
    hint = "give the label another name" if name == "label" else "write secret:NAME in the inventory instead"
    assert str(caught.value).endswith(hint)
    assert caught.value.field == field
    assert "hunter2" not in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_the_secrets_of_the_site_are_not_saved(site: SimulatedSite, connect: MakeClient, tmp_path: Path) -> None:
    """They are neither in the objects that a plan changes, nor among the values that it replaces."""
    cmk = connect(site, secrets={"snmp": SecretSource(value="geheim")})
    v3 = {
        "type": "v3_auth_no_privacy",
        "auth_protocol": "MD5-96",
        "security_name": "shown",
        "auth_password": "hunter2222",
    }
    before = {
        "hosts": [
            {"name": "a", "attributes": {"snmp_community": COMMUNITY, "alias": "A"}},
            {"name": "b", "attributes": {"snmp_community": v3}},
            {"name": "c", "attributes": {"snmp_community": COMMUNITY}},
            {"name": "d", "attributes": {"snmp_community": COMMUNITY}},
        ],
        "rules": [
            {"name": "r", "ruleset": "snmp_communities", "folder": "/", "value": "hunter2"},
            {"name": "s", "ruleset": "snmp_communities", "folder": "/", "value": "hunter2"},
        ],
    }
    assert apply_plan(cmk, make_plan(cmk, from_data(before), owner="me")).ok
    reference = {"type": "v1_v2_community", "community": "secret:snmp"}
    after = {
        "hosts": [
            {"name": "a", "attributes": {"alias": "B"}},
            {"name": "b", "attributes": {"snmp_community": reference}},
            {"name": "c", "attributes": {"snmp_community": None}},
        ],
        "rules": [
            {"name": "r", "ruleset": "snmp_communities", "folder": "/", "value": "secret:snmp", "disabled": True}
        ],
    }
    plan = make_plan(cmk, from_data(after), owner="me")
    loaded = _again(plan, tmp_path)
    text = (tmp_path / "plan.json").read_text()
    assert "hunter2" not in text and "geheim" not in text
    assert text.count("secret:snmp") >= 2
    assert loaded.checksum == plan.checksum
    loaded.raise_if_unsafe(allow_changes="100%", allow_deletions="100%")
    assert apply_plan(cmk, loaded).ok
    hosts = site.state.configuration.hosts
    assert hosts["a"].attributes["snmp_community"] == COMMUNITY
    assert hosts["b"].attributes["snmp_community"] == {"type": "v1_v2_community", "community": "geheim"}
    assert "snmp_community" not in hosts["c"].attributes
    assert "d" not in hosts
    assert make_plan(cmk, from_data(after), owner="me").is_empty


def test_a_missing_secret_is_reported_before_anything_is_written(
    site: SimulatedSite, connect: MakeClient, tmp_path: Path
) -> None:
    passwords = {"passwords": [{"name": "p", "title": "P", "password": "secret:p", "editable_by": "admin"}]}
    host = {"hosts": [{"name": "a"}]}
    plan = make_plan(
        connect(site, secrets={"p": SecretSource(value="x")}), from_data({**passwords, **host}), owner="me"
    )
    with pytest.raises(SettingsError, match="unknown secret 'p'; add it to the section 'secrets'"):
        apply_plan(connect(site), _again(plan, tmp_path))
    assert site.state.configuration.hosts == {}


# Damaged files


def _set(*path: Any, value: Any) -> Callable[[Any], None]:
    def damage(data: Any) -> None:
        for step in path[:-1]:
            data = data[step]
        if value is ...:
            del data[path[-1]]
        else:
            data[path[-1]] = value

    return damage


DAMAGED: dict[str, tuple[Callable[[Any], None], str]] = {
    "other file": (_set("format", value="x"), "this file is not a saved plan; save one with the command plan"),
    "newer": (
        _set("version", value=2),
        "version must be 1, not 2; make the plan again with this version of checkmk_sync",
    ),
    "checksum": (
        _set("changes", 0, "key", value="b"),
        "checksum does not match the plan, so the file was changed after it was saved; make the plan again",
    ),
    "unknown key": (_set("changes", 0, "akshun", value=1), "changes[0].akshun is not known; use one of: action"),
    "missing key": (_set("changes", 0, "kind", value=...), "changes[0].kind is missing"),
    "action": (
        _set("changes", 0, "action", value="burn"),
        "changes[0].action must be one of rename, create, move, update, delete, not 'burn'",
    ),
    "impossible": (_set("changes", 0, "action", value="move"), "changes[0].action 'move' is not possible for folder"),
    "kind": (_set("changes", 0, "kind", value="hst"), "changes[0].kind must be one of folder, host, "),
    "property": (
        _set("changes", 0, "properties", "nonsense", value=[1, 2]),
        "changes[0].properties.nonsense is not a property of folder objects",
    ),
    "pair": (
        _set("changes", 0, "properties", "title", value=[1]),
        "changes[0].properties.title must be a list of 2 values, not a list",
    ),
    "literal": (
        _set("changes", 1, "properties", "value", value=["None", "{"]),
        "changes[1].properties.value is not valid: it must be a Python literal",
    ),
    "type": (_set("unchanged", value="0"), "unchanged must be a whole number, not '0'"),
    "flag": (_set("unchanged", value=True), "unchanged must be a whole number, not a bool"),
    "list": (_set("warnings", value="x"), "warnings must be a list, not 'x'"),
    "text": (_set("warnings", value=[None]), "warnings[0] must be a string, not None"),
    "amount": (_set("limits", value={"changes": "x", "deletions": "1%"}), "limits.changes must be a whole number or a"),
    "existing": (_set("changes", 0, "action", value="update"), "changes[0].existing is missing"),
    "object": (_set("changes", 0, value=[]), "changes[0] must be an object, not a list"),
}


@pytest.mark.every_case
@pytest.mark.parametrize("name", DAMAGED)
def test_a_mistake_in_a_file_is_one_error_with_its_field(tmp_path: Path, name: str) -> None:
    path = tmp_path / "plan.json"
    rule = {"name": "r", "ruleset": "checkgroup_parameters:cpu_load", "folder": "/", "value": {"levels": (1.0, 2.0)}}
    plan = diff(from_data({"folders": [{"path": "/a"}], "rules": [rule]}), holding(), owner="me")
    save_plan(plan, path)
    data = json.loads(path.read_text())
    damage, message = DAMAGED[name]
    damage(data)
    path.write_text(json.dumps(data))
    with pytest.raises(SettingsError) as caught:
        load_plan(path)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert (caught.value.field and message.startswith(caught.value.field)) or name == "other file"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "this is not valid JSON"),
        ("[]", "this file is not a saved plan"),
        ('{"format": "checkmk_sync plan", "format": "x"}', "the key 'format' occurs twice in one object"),
        ("hosts:\n- name: a\n", "this is not valid JSON"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(SettingsError, match=message):
        load_plan(tmp_path / "plan.json")


def test_a_missing_file_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="the plan cannot be read: No such file or directory"):
        load_plan(tmp_path / "plan.json")
    with pytest.raises(TypeError, match="save_plan needs the result of make_plan"):
        save_plan("plan", tmp_path / "plan.json")  # type: ignore[arg-type]

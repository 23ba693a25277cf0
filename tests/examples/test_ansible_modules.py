"""The modules of ``examples/ansible``, each run like Ansible runs it, against simulated sites."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any, Mapping

import pytest
import yaml

from checkmk_sync.testing import SimulatedSite
from tests.examples.conftest import Call, file_of_the_guide, run_ansible

pytestmark = pytest.mark.slow

pytest.importorskip("ansible", reason="ansible-core is not installed; it needs Python 3.11 or later")

MODULES = ("activation", "folder", "host", "rule", "user")
FILESYSTEM = "checkgroup_parameters:filesystem"


def test_objects_are_deleted_once(call: Call, own_site: SimulatedSite) -> None:
    with own_site.client() as cmk:
        cmk.folders.create("/old")
        cmk.hosts.create("web01", "/old")
        cmk.users.create("jdoe", fullname="Jane Doe")
        rule = cmk.rules.create(ruleset=FILESYSTEM, folder="/", value={"levels": (80.0, 90.0)}, description="Old")
    for name, arguments in (
        ("host", {"name": "web01"}),
        ("folder", {"path": "/old"}),
        ("rule", {"ruleset": FILESYSTEM, "description": "Old"}),
        ("user", {"name": "jdoe"}),
    ):
        checked = call(name, check=True, **arguments, state="absent")
        first = call(name, **arguments, state="absent")
        second = call(name, **arguments, state="absent")
        assert (first["changed"], first["actions"], first["diff"]["after"]) == (True, ["delete"], {})
        assert checked["diff"] == first["diff"]
        assert (second["changed"], second["actions"]) == (False, [])
        assert first.get("id") == (rule.id if name == "rule" else None)
    assert own_site.counts()["hosts"] == 0


def test_a_folder_with_contents_is_deleted_only_on_demand(call: Call, own_site: SimulatedSite) -> None:
    assert call("folder", path="/old")["changed"]
    assert call("host", name="web01", folder="/old")["changed"]
    refused = call("folder", path="/old", state="absent")
    assert (refused["failed"], refused["error"]["error"]) == (True, "ConflictError")
    assert call("folder", path="/old", state="absent", recursive=True)["changed"]
    assert own_site.counts()["hosts"] == 0


def test_a_rule_with_another_value_is_changed(call: Call, own_site: SimulatedSite) -> None:
    task = {"ruleset": FILESYSTEM, "description": "Levels"}
    created = call("rule", **task, value_raw="{'levels': (80.0, 90.0)}")
    same = call("rule", **task, value={"levels": [80.0, 90.0]}, folder="/")
    assert (created["changed"], same["changed"]) == (True, False)
    for check in (True, False):
        changed = call("rule", check=check, **task, value_raw="{'levels': (70.0, 90.0)}", disabled=True)
        assert (changed["id"], changed["actions"]) == (created["id"], ["update"])
        assert changed["diff"]["after"] == {"disabled": True, "value": {"levels": [70.0, 90.0]}}
    with own_site.client() as cmk:
        (rule,) = cmk.rules.each(ruleset=FILESYSTEM)
        assert (rule.id, rule.value) == (created["id"], {"levels": (70.0, 90.0)})
        assert call("rule", **task, comment="The value stays.")["actions"] == ["update"]
        assert cmk.rules.get(str(rule.id)).value == {"levels": (70.0, 90.0)}
        plain = {"ruleset": "host_groups", "description": "Plugin"}
        call("rule", **plain, value_raw="'all'")
        call("rule", **plain, value_raw="None")
        assert [rule.value for rule in cmk.rules.each(ruleset=plain["ruleset"])] == [None]
        cmk.rules.create(ruleset=FILESYSTEM, folder="/", value={}, description="Levels")
    failed = call("rule", **task, value={})
    assert f"occurs 2 times, as {rule.id} and " in failed["msg"]


def test_a_password_is_sent_again_only_on_demand(call: Call) -> None:
    assert call("user", name="jdoe", fullname="Jane", password="first-password")["changed"]
    assert not call("user", name="jdoe", password="other-password")["changed"]
    result = call("user", name="jdoe", password="other-password", update_password="always")
    assert result["actions"] == ["update"]
    assert "other-password" not in json.dumps(result)


def test_secrets_are_inserted_into_values_but_not_shown(call: Call, own_site: SimulatedSite) -> None:
    result = call(
        "rule",
        ruleset="special_agents:proxmox_ve",
        description="Proxmox",
        value={"username": "monitoring", "password": ["password", "secret:PROXMOX"]},
        secrets={"PROXMOX": "only-for-proxmox"},
    )
    assert result["changed"]
    assert "only-for-proxmox" not in json.dumps(result)
    (rule,) = own_site.state.configuration.objects["rules"].values()
    assert "only-for-proxmox" in json.dumps(rule)


@pytest.mark.parametrize(
    ("module", "arguments", "message"),
    [
        ("host", {"name": "web01", "folder": "/missing"}, "400 Bad Request: folder: The folder '/missing' could"),
        ("host", {"name": "web01", "attributes": {"alias": "secret:NAME"}}, "unknown secret 'NAME'; add it to the"),
        ("host", {"name": "web01", "automation_secret": "wrong"}, "401 Unauthorized: Wrong credentials"),
        ("host", {"name": "web01", "server_url": "mon"}, "'mon' is not a server URL such as https://"),
        ("host", {"name": "web01", "automation_secret_file": "/etc/secret"}, "give either automation_secret or"),
        ("host", {"name": "web01", "settings": {"timeout": 1}}, "unknown setting timeout; did you mean 'timeouts'?"),
        ("rule", {"ruleset": f"{FILESYSTEM}s", "description": "Levels"}, f"unknown ruleset '{FILESYSTEM}s'; did you"),
        ("rule", {"ruleset": FILESYSTEM, "description": "Levels", "value_raw": "{"}, "value_raw must be a Python"),
        ("rule", {"ruleset": FILESYSTEM, "description": "Levels", "folder": "a"}, "folder must be a path such as"),
        ("rule", {"ruleset": FILESYSTEM, "description": "Levels"}, "a rule needs value"),
        ("user", {"name": "jdoe"}, "a user needs fullname"),
    ],
)
def test_errors_say_what_is_wrong(call: Call, module: str, arguments: dict[str, Any], message: str) -> None:
    result = call(module, **arguments)
    assert result["msg"].startswith(message)
    assert (result["failed"], result["outcome"]) == (True, "not applied")


def test_the_module_of_the_guide_runs(home: Path, call: Call) -> None:
    module = home / "ansible_collections" / "example" / "checkmk" / "plugins" / "modules" / "time_period.py"
    module.write_text(file_of_the_guide("time_period.py"), encoding="utf-8")
    hours = [{"day": "all", "time_ranges": [{"start": "08:00", "end": "18:00"}]}]
    task = {"name": "work", "alias": "Hours of work", "active_time_ranges": hours}
    assert call("time_period", **task)["actions"] == ["create"]
    assert not call("time_period", **task)["changed"]
    assert call("time_period", name="work", state="absent")["actions"] == ["delete"]


def test_the_documentation_matches_the_options(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(home))
    names = [f"example.checkmk.{name}" for name in MODULES]
    done = run_ansible(home, "doc", "--json", *names)
    documented = json.loads(done.output)
    assert list(documented) == names
    plugins = "ansible_collections.example.checkmk.plugins"
    connection = importlib.import_module(f"{plugins}.module_utils.checkmk").CONNECTION
    for name in MODULES:
        arguments = {**connection, **importlib.import_module(f"{plugins}.modules.{name}").ARGUMENTS}
        page = documented[f"example.checkmk.{name}"]
        assert _facts(page["doc"]["options"]) == _facts(arguments)
        assert page["return"]
        assert [play for play in yaml.safe_load(page["examples"]) if play]


def _facts(options: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {
            "type": option.get("type", "str"),
            "options": _facts(option.get("options") or option.get("suboptions") or {}),
            **{fact: option.get(fact) for fact in ("choices", "default", "elements")},
            "required": bool(option.get("required")),
        }
        for name, option in options.items()
    }

"""The program reads back its own JSON output, and the resulting plan has no changes."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from checkmk_sync.catalogue.labels import OWNER_LABEL
from checkmk_sync.sync import from_data
from checkmk_sync.sync.sources import InventoryText, from_text
from checkmk_sync.testing import SimulatedSite
from tests.conftest import Run

RICH = {
    "ipaddress": "192.0.2.1",
    "alias": "Größe\tä \"x\" 'y'",
    "parents": ["host00000"],
    "tag_agent": "no-agent",
    "snmp_community": {"type": "v1_v2_community", "community": "hunter2"},
    "inventory_failed": False,
}


@pytest.fixture
def rich(site_for_cli: SimulatedSite, sync: Run, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A site whose objects use everything that inventories support. ``plan(text)`` reads it from standard input."""
    with site_for_cli.client() as client:
        client.folders.ensure("/a/b", title="B & co")
        client.folders.update("/a", update_attributes={"tag_agent": "no-agent", "labels": {"env": "prod"}})
        client.hosts.create("rich", "/a/b", {**RICH, "labels": {"env": "prod", "empty": "x"}})
        client.hosts.create("owned", "/a", {"labels": {OWNER_LABEL: "cmdb", "env": "test"}})
        client.hosts.create("bare", "/")
        client.activation.activate()

    def plan(text: str, *options: str) -> Any:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        found = sync("plan", "-", "--json", *options)
        assert found.code in (0, 2), found.err
        return json.loads(found.out or found.err)

    return plan


COMMANDS = [
    *("hosts list", "hosts list --folder /a/b", "hosts list --search r*", "hosts list --limit 1"),
    *("hosts get rich", "hosts get rich --effective", "hosts get bare", "hosts get bare --effective"),
    *("folders list", "folders list --parent /a", "folders get /a", "folders get /a/b", "folders get /"),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_printed_objects_give_a_plan_without_changes(rich: Any, sync: Run, command: str) -> None:
    printed = sync(*command.split(), "--json")
    assert printed.code == 0
    plan = rich(printed.out)
    plan["conflicts"] = [text for text in plan["conflicts"] if not text.startswith("host owned")]
    assert (plan["changes"], plan["conflicts"]) == ([], [])
    assert plan["counts"]["unchanged"] > 0


@pytest.mark.parametrize("command", ["hosts get owned", "hosts get owned --effective", "folders list"])
def test_printed_objects_of_the_owner_give_a_plan_without_changes(rich: Any, sync: Run, command: str) -> None:
    """The printed objects are all objects of the owner, so nothing is deleted."""
    plan = rich(sync(*command.split(), "--json").out, "--owner", "cmdb")
    assert (plan["changes"], plan["conflicts"]) == ([], [])


def test_a_printed_host_contains_name_folder_attributes_and_labels(rich: Any, sync: Run) -> None:
    found = sync("hosts", "get", "rich", "--json").data
    listed = next(row for row in sync("hosts", "list", "--json").data if row["name"] == "rich")
    assert found == listed
    assert found == {
        "name": "rich",
        "folder": "/a/b",
        "attributes": RICH,
        "labels": {"env": "prod", "empty": "x"},
        "owner": None,
    }
    owned = sync("hosts", "get", "owned", "--json").data
    assert (owned["labels"], owned["owner"]) == ({"env": "test"}, "cmdb")
    folder = sync("folders", "get", "/a", "--json").data
    assert folder == {
        "path": "/a",
        "title": "a",
        "attributes": {"tag_agent": "no-agent"},
        "labels": {"env": "prod"},
        "owner": None,
    }


def test_tables_still_show_owner_and_labels(rich: Any, sync: Run) -> None:
    rows = [line.split("\t") for line in sync("hosts", "list").out.splitlines()]
    assert ["rich", "/a/b", "192.0.2.1", "Größe\\tä \"x\" 'y'", "empty:x env:prod"] in rows
    assert ["owned", "/a", "", "", "checkmk_sync/owner:cmdb env:test"] in rows
    assert all(len(row) == 5 for row in rows)


def test_printed_secrets_are_accepted_and_masks_are_refused(rich: Any, sync: Run) -> None:
    printed = sync("hosts", "get", "rich", "--json").out
    assert "hunter2" in printed
    found = rich(printed.replace("hunter2", "***"))
    assert found["error"] == "InventoryError"
    assert "*** stands for a secret that was not shown" in found["problems"][0]["message"]
    without = json.loads(printed)
    del without["attributes"]["snmp_community"]
    assert rich(json.dumps(without))["changes"] == [], "unnamed properties are kept"


def test_changes_of_printed_objects_are_planned(rich: Any, sync: Run) -> None:
    printed = sync("hosts", "get", "rich", "--json").data
    printed["labels"]["env"] = "test"
    (change,) = rich(json.dumps(printed))["changes"]
    assert change["properties"] == {"labels.env": ["prod", "test"]}


def test_the_printed_root_folder_is_ignored_with_a_note(rich: Any, sync: Run) -> None:
    plan = rich(sync("folders", "list", "--json").out)
    assert plan["warnings"] == ["the root folder '/' is left unchanged, because inventories do not describe it"]
    problems = rich('[{"path": "/", "title": "Main"}]')["problems"]
    assert "an inventory cannot describe it" in problems[0]["message"]


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "a", "folder": "/x"}',
        '[{"name": "a", "folder": "/x"}]',
        '{"hosts": [{"name": "a", "folder": "/x"}]}',
        '{"hosts": [{"name": "a", "folder": "/x", "owner": "o", "effective_attributes": {"x": null}}]}',
    ],
)
def test_one_object_or_a_list_is_an_inventory(text: str) -> None:
    wanted = from_data({"hosts": [{"name": "a", "folder": "/x"}]})
    assert from_text(InventoryText("a.json", text)) == from_text(InventoryText("a.yaml", text)) == wanted
    assert from_data(json.loads(text)) == wanted


def test_a_list_may_mix_hosts_and_folders() -> None:
    found = from_text(InventoryText("a.json", '[{"path": "/a", "title": "A"}, {"name": "h", "folder": "/a"}]'))
    assert set(found.objects) == {("folder", "/a"), ("host", "h")}
    assert found.kinds == {"folder", "host"}

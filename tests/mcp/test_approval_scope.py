"""An approval is valid for one call, its arguments, and the objects in its preview."""

from __future__ import annotations

from typing import Any, Callable, Iterator, Optional

import pytest

pytest.importorskip("mcp", reason="needs the extra 'mcp' and Python 3.10")

from mcp import Client
from mcp_types import ElicitResult

from checkmk_sync.testing import SimulatedSite
from tests.mcp.in_process_client import MODES, error_text, result_data, run_client

INVENTORY = {"hosts": [{"name": "new", "folder": "/sync"}]}


@pytest.fixture
def live() -> Iterator[SimulatedSite]:
    with SimulatedSite(hosts=4, services=10) as site:
        with site.client() as cmk:
            cmk.folders.ensure("/a")
            cmk.hosts.move("host00001", "/a")
            cmk.activation.activate()
        yield site


def _moved(site: SimulatedSite) -> None:
    with site.client() as cmk:
        cmk.hosts.move("host00001", "/")
        cmk.hosts.move("host00002", "/a")


def _noted(text: str, user: Optional[str] = "automation") -> Callable[[SimulatedSite], None]:
    def note(site: SimulatedSite) -> None:
        site.state.configuration.changes.clear()
        site.state.configuration.add_change("edit-host", text, user)

    return note


def _taken(site: SimulatedSite) -> None:
    with site.client() as cmk:
        cmk.hosts.create("new", "/a")
        site.state.configuration.changes.clear()


# Each changes the objects of the call, but none of the numbers in its preview.
OTHERS: list[tuple[str, dict[str, Any], Callable[[SimulatedSite], None], Callable[[SimulatedSite], None]]] = [
    ("hosts_delete", {"names": ["host00001", "host00002"]}, lambda _site: None, _moved),
    ("folders_delete", {"path": "/a", "recursive": True}, lambda _site: None, _moved),
    ("activate_changes", {}, _noted("Modified host shown."), _noted("Modified host other.")),
    ("activate_changes", {"force_foreign": True}, _noted("x", "carol"), _noted("x", "mallory")),
    ("sync_apply", {"inventory": INVENTORY}, lambda _site: None, _taken),
    ("sync_apply", {"inventory": INVENTORY}, _noted("Modified host shown."), _noted("Modified host other.")),
    ("sync_apply", {"inventory": INVENTORY, "force_foreign": True}, _noted("x", "carol"), _noted("x", "mallory")),
    ("sync_apply", {"inventory": INVENTORY}, _noted("Updated.", None), _noted("Updated again.", None)),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("tool", "arguments", "first", "then"), OTHERS)
def test_an_approval_does_not_cover_an_equal_number_of_other_objects(
    live: SimulatedSite, mode: str, tool: str, arguments: Any, first: Any, then: Any
) -> None:
    def person(_message: str) -> ElicitResult:
        then(live)
        return ElicitResult(action="accept", content={"approve": True})

    async def script(client: Client) -> Any:
        return await client.call_tool(tool, arguments)

    first(live)
    refused = error_text(run_client(live, script, allow_writes=True, answer=person, mode=mode))
    assert "changed since the preview" in refused
    assert {"host00001", "host00002"} <= set(live.state.configuration.hosts)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tool", "arguments", "other"),
    [
        ("activate_changes", {"timeout": 900}, {"timeout": 5}),
        ("activate_changes", {}, {"force_foreign": True}),
        ("sync_apply", {"inventory": INVENTORY}, {"activate": False}),
        ("sync_apply", {"inventory": INVENTORY}, {"discover": False}),
        ("sync_apply", {"inventory": INVENTORY}, {"allow_changes": 1000}),
        ("hosts_delete", {"names": ["host00000"]}, {"names": ["host00000", "host00000"]}),
    ],
)
def test_an_approval_is_bound_to_its_arguments(live: SimulatedSite, tool: str, arguments: Any, other: Any) -> None:
    """The arguments count even if the site, and therefore the preview, is the same."""
    live.state.configuration.add_change("edit-host", "Modified host shown.", "automation")

    async def script(client: Client) -> Any:
        checksum = result_data(await client.call_tool(tool, arguments))["checksum"]
        refused = error_text(await client.call_tool(tool, {**arguments, **other, "checksum": checksum}))
        return refused, result_data(await client.call_tool(tool, {**arguments, "checksum": checksum}))

    refused, done = run_client(live, script, allow_writes=True, confirm_by_checksum=True)
    assert "changed since the preview" in refused
    assert done["done"] is True


HINTS = {
    "downtimes_create": (False, False),
    "downtimes_modify": (True, False),
    "downtimes_delete": (True, False),
    "acknowledge": (True, False),
    "unacknowledge": (True, True),
    "comments_create": (False, False),
    "comments_delete": (True, False),
    "hosts_create": (False, False),
    "hosts_update": (True, True),
    "hosts_move": (True, True),
    "hosts_rename": (True, False),
    "hosts_set_nodes": (True, True),
    "hosts_scan_parents": (True, False),
    "hosts_delete": (True, False),
    "batch_create_hosts": (False, False),
    "folders_create": (False, True),
    "folders_update": (True, True),
    "folders_move": (True, True),
    "folders_delete": (True, False),
    "discover_services": (True, True),
    "activate_changes": (True, True),
    "sync_apply": (True, True),
    "clear_cache": (True, True),
    "rules_create": (False, False),
    "rules_update": (True, True),
    "rules_move": (True, True),
    "rules_delete": (True, False),
    "configuration_create": (False, False),
    "configuration_update": (True, True),
    "configuration_delete": (True, False),
}


def test_hints_declare_destructive_and_idempotent_tools(live: SimulatedSite) -> None:
    """Clients decide by these hints whether to ask a person."""

    async def script(client: Client) -> Any:
        return {tool.name: tool.annotations for tool in (await client.list_tools()).tools}

    tools = run_client(live, script, allow_writes=True)
    writing = {name: hints for name, hints in tools.items() if not hints.read_only_hint}
    assert {name: (hints.destructive_hint, hints.idempotent_hint) for name, hints in writing.items()} == HINTS
    reading = [hints for hints in tools.values() if hints.read_only_hint]
    assert {(hints.destructive_hint, hints.idempotent_hint) for hints in reading} == {(False, True)}

"""Commands that would include other writes run alone."""

from __future__ import annotations

import threading
from typing import Any, Iterator

import pytest

pytest.importorskip("mcp", reason="needs the extra 'mcp' and Python 3.10")

import anyio
from mcp import Client
from mcp_types import ElicitResult

from checkmk_sync.testing import SimulatedSite
from tests.mcp.in_process_client import error_text, result_data, run_client

INVENTORY = {"hosts": [{"name": "wanted"}]}


@pytest.fixture
def live() -> Iterator[SimulatedSite]:
    with SimulatedSite(hosts=2, services=2) as site:
        yield site


def _yes(_message: str) -> ElicitResult:
    return ElicitResult(action="accept", content={"approve": True})


def _while(site: SimulatedSite, part: str, first: tuple[str, Any], others: list[tuple[str, Any]]) -> Any:
    """Block the call ``first`` at a request. Return its result, and those of ``others`` during and after that time."""
    reached, go_on = threading.Event(), threading.Event()

    def hold(method: str, path: str) -> None:
        if part in path and method != "GET" and not reached.is_set():
            reached.set()
            assert go_on.wait(20)

    async def script(client: Client) -> Any:
        results: list[Any] = []

        async def call() -> None:
            results.append(await client.call_tool(*first))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            await anyio.to_thread.run_sync(reached.wait, 20)
            meanwhile = [await client.call_tool(*other) for other in others]
            go_on.set()
        return results[0], meanwhile, [await client.call_tool(*other) for other in others]

    site.on_request(hold)
    return run_client(site, script, allow_writes=True, answer=_yes)


@pytest.mark.parametrize(
    ("part", "mover"),
    [
        ("/actions/move", ("hosts_move", {"hosts": ["host00000"], "folder": "/a"})),
        ("bulk-create", ("batch_create_hosts", {"hosts": [{"host_name": "precious", "folder": "/a"}]})),
    ],
)
def test_a_folder_is_not_deleted_while_hosts_move_into_it(
    live: SimulatedSite, part: str, mover: tuple[str, Any]
) -> None:
    with live.client() as client:
        client.folders.ensure("/a")
        client.hosts.move("host00001", "/a")
    delete = ("folders_delete", {"path": "/a", "recursive": True})
    moved, meanwhile, _ = _while(live, part, mover, [delete])
    assert not moved.is_error
    assert meanwhile[0].is_error and "another write is in progress" in error_text(meanwhile[0])


def test_nothing_is_written_while_an_inventory_is_applied(live: SimulatedSite) -> None:
    others = [
        ("hosts_update", {"name": "host00001", "attribute": {"alias": "unasked"}}),
        ("sync_apply", {"inventory": {"hosts": [{"name": "other"}]}}),
    ]
    first, meanwhile, later = _while(live, "bulk-create", ("sync_apply", {"inventory": INVENTORY}), others)
    assert result_data(first)["result"]["ok"] is True
    assert result_data(first)["result"]["activated_changes"] == 1
    for refused in meanwhile:
        assert "Nothing was done: an inventory is being applied" in error_text(refused)
    for done in later:
        result_data(done)


def test_no_inventory_is_applied_during_another_write(live: SimulatedSite) -> None:
    first = ("hosts_update", {"name": "host00001", "attribute": {"alias": "unasked"}})
    others = [("sync_apply", {"inventory": INVENTORY}), ("hosts_get", {"name": "host00000"})]
    done, (refused, read), (applied, _) = _while(live, "host00001", first, others)
    assert "another write is in progress" in error_text(refused)
    for answer in (done, read, applied):
        result_data(answer)

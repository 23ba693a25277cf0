"""No session takes all capacity from the others, and no kind of work waits for another."""

from __future__ import annotations

import contextvars
from typing import Any

import pytest

pytest.importorskip("mcp", reason="needs the extra 'mcp' and Python 3.10")

import anyio
from mcp import Client
from mcp_types import PromptReference

from checkmk_sync.mcp import capacity, resources
from checkmk_sync.testing import SimulatedSite
from tests.held import Gate
from tests.mcp.in_process_client import MODES, result_data, run_client
from tests.mcp.server_process import http_client, running_server

pytestmark = pytest.mark.slow  # starts processes, which are blocked for some seconds

SOON_S = 10
TRIAGE = PromptReference(type="ref/prompt", name="triage_host")


async def _until(condition: Any) -> None:
    with anyio.fail_after(SOON_S):
        while not condition():
            await anyio.sleep(0.01)


@pytest.mark.parametrize("mode", MODES)
def test_a_session_with_many_slow_calls_does_not_block_others(mode: str) -> None:
    with SimulatedSite(hosts=30) as site, running_server(site) as (url, _):
        gate = Gate(site, "/objects/host_config/host0000")
        got: list[Any] = []

        async def get(client: Client, name: str) -> None:
            got.append(result_data(await client.call_tool("hosts_get", {"name": name}))["name"])

        async def script() -> None:
            async with http_client(url, mode, "greedy") as greedy, http_client(url, mode, "modest") as modest:
                async with anyio.create_task_group() as tasks:
                    for number in range(10):
                        tasks.start_soon(get, greedy, f"host{number:05d}")
                    await _until(lambda: gate.count == 3)  # one less than the four concurrent reads of the site
                    with anyio.fail_after(SOON_S):
                        for number in range(20, 25):
                            await get(modest, f"host{number:05d}")
                    assert gate.count == 3
                    assert len(got) == 5
                    gate.open.set()

        anyio.run(script)
    assert sorted(got[5:]) == [f"host{number:05d}" for number in range(10)]


def test_a_list_read_in_parts_leaves_capacity_for_others() -> None:
    with SimulatedSite(hosts=1200, services=100) as site, running_server(site) as (url, _):
        gate = Gate(site, "/domain-types/service/", first=1)  # the first part is read before the others

        async def script() -> Any:
            async with http_client(url, agent="greedy") as greedy, http_client(url, agent="modest") as modest:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(greedy.call_tool, "services_list", {"limit": 150})
                    await _until(lambda: gate.count == 3)
                    with anyio.fail_after(SOON_S):
                        result = result_data(await modest.call_tool("hosts_get", {"name": "host00001"}))
                    assert gate.count == 3
                    gate.open.set()
            return result["name"]

        assert anyio.run(script) == "host00001"


@pytest.mark.parametrize("mode", MODES)
def test_local_tools_do_not_wait_for_slow_calls(mode: str) -> None:
    with SimulatedSite(hosts=30) as site:
        gate = Gate(site, "/objects/host_config/host0000")

        async def script(client: Client) -> None:
            async with anyio.create_task_group() as tasks:
                for number in range(10):
                    tasks.start_soon(client.call_tool, "hosts_get", {"name": f"host{number:05d}"})
                await _until(lambda: gate.count == 3)
                with anyio.fail_after(SOON_S):
                    result_data(await client.call_tool("get_server_metrics", {}))
                    result_data(await client.call_tool("cache_stats", {}))
                    result_data(await client.call_tool("clear_cache", {}))
                    await client.read_resource("checkmk://cache/stats")
                    typed = {"name": "host", "value": "host0002"}
                    assert len((await client.complete(TRIAGE, typed)).completion.values) == 10
                gate.open.set()

        run_client(site, script, mode=mode)


def test_a_slow_completion_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "COMPLETION_S", 0.2)
    with SimulatedSite(hosts=3) as site:
        gate = Gate(site, "/domain-types/host/")

        async def script(client: Client) -> Any:
            result = await client.complete(TRIAGE, {"name": "host", "value": "h"})
            return result.completion.values

        assert run_client(site, script) == []  # an empty list, because the read was stopped
        assert gate.count == 1
        gate.open.set()


def test_a_cancelled_call_keeps_its_slot_until_its_thread_ends() -> None:
    with SimulatedSite(hosts=3) as site:
        gate = Gate(site, "bulk-create")

        async def script(client: Client) -> Any:
            with anyio.move_on_after(20) as scope:
                async with anyio.create_task_group() as tasks:

                    async def leave() -> None:
                        await anyio.to_thread.run_sync(gate.reached.wait, 20)
                        scope.cancel()

                    tasks.start_soon(leave)
                    await client.call_tool("batch_create_hosts", {"hosts": [{"host_name": "new"}]})
            with anyio.move_on_after(0.3) as waiting:
                await client.call_tool("hosts_get", {"name": "host00000"})
            assert waiting.cancelled_caught
            gate.open.set()
            return result_data(await client.call_tool("hosts_get", {"name": "host00001"}))["name"]

        assert (
            run_client(site, script, allow_writes=True, mode="legacy", options={"limits": {"reads_in_flight": 2}})
            == "host00001"
        )
        assert not any("host00000" in received.path for received in site.requests)


def test_limits_of_each_kind() -> None:
    """All sessions together run forty calls, and each session leaves one read of the site to the others."""

    async def granted(kind: capacity.WorkKind, sessions: int, calls: int, reads: int) -> int:
        slots = capacity.Capacity(reads)
        taken: list[anyio.Event] = []

        async def take() -> None:
            async with slots.slot(kind):
                taken.append(anyio.Event())
                await taken[-1].wait()

        async with anyio.create_task_group() as tasks:
            for number in range(sessions):
                inside = contextvars.copy_context()
                inside.run(capacity.session_id.set, str(number))
                for _ in range(calls):
                    inside.run(tasks.start_soon, take)
            await anyio.sleep(0.05)
            held = len(taken)
            for back in taken[:]:
                back.set()
            await anyio.sleep(0.05)
            assert len(taken) > held or sessions * calls == held
            tasks.cancel_scope.cancel()
        return held

    assert anyio.run(granted, capacity.WorkKind.TOOL, 20, 5, 4) == 40
    assert anyio.run(granted, capacity.WorkKind.TOOL, 2, 10, 4) == 6
    assert anyio.run(granted, capacity.WorkKind.TOOL, 1, 10, 1) == 1
    assert anyio.run(granted, capacity.WorkKind.RESOURCE, 20, 5, 4) == 10
    assert anyio.run(granted, capacity.WorkKind.COMPLETION, 1, 10, 4) == 4
    assert anyio.run(granted, capacity.WorkKind.LOCAL, 1, 10, 4) == 8

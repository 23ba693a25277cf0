"""Long calls report progress, stop when they are cancelled, and do not block others."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp", reason="needs the extra 'mcp' and Python 3.10")

import anyio
from mcp import Client

from checkmk_sync.mcp import progress
from checkmk_sync.mcp.progress import CancellableTask, ProgressReporter
from checkmk_sync.testing import SimulatedSite
from tests.held import Gate
from tests.mcp.in_process_client import MODES, result_data, run_client


@pytest.mark.parametrize("mode", MODES)
def test_progress_grows_to_the_end(mode: str) -> None:
    reports: list[tuple[float, Any, Any]] = []

    async def progress(done: float, total: Any, message: Any) -> None:
        reports.append((done, total, message))

    async def script(client: Client) -> Any:
        hosts = [{"host_name": f"h{number}"} for number in range(120)]
        return await client.call_tool("batch_create_hosts", {"hosts": hosts}, progress_callback=progress)

    with SimulatedSite(lock_hold=0.25) as site:
        assert result_data(run_client(site, script, allow_writes=True, mode=mode))["applied"] == 120
    assert reports[-1] == (120.0, 120.0, "create hosts: 120 of 120")
    _assert_strictly_growing(reports)


def _assert_strictly_growing(reports: list[tuple[float, Any, Any]]) -> None:
    """The protocol requires strictly growing progress, so nothing is reported twice."""
    reached = [done for done, _, _ in reports]
    assert reached == sorted(set(reached))


def test_the_same_progress_is_not_reported_twice() -> None:
    """The last report could repeat at the end of the call, or when the next stage starts at the same value."""
    task, reports, changed = CancellableTask(), list[tuple[float, Any, Any]](), threading.Condition()

    async def report(done: float, total: Any, message: Any) -> None:
        with changed:
            reports.append((done, total, message))
            changed.notify_all()

    def do() -> None:
        for stage, done, least in (("a", 0, 1), ("a", 2, 2), ("b", 0, 2), ("b", 1, 3)):
            task.watch(stage, done, 2)
            with changed:
                assert changed.wait_for(lambda least=least: len(reports) >= least, 20)

    anyio.run(task.run, do, contextlib.nullcontext(), ProgressReporter(report))
    _assert_strictly_growing(reports)
    assert [done for done, _, _ in reports] == [0.0, 2.0, 3.0]


@pytest.mark.parametrize("mode", MODES)
def test_a_slow_read_and_a_call_waiting_for_it_report_that_they_are_running(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "MAX_SILENCE_S", 0.1)
    with SimulatedSite(hosts=2) as site:
        gate = Gate(site, "host_config")
        reports: dict[str, list[tuple[float, Any, Any]]] = {"first": [], "second": []}

        async def script(client: Client) -> None:
            async def read(who: str) -> None:
                async def progress(done: float, total: Any, message: Any) -> None:
                    reports[who].append((done, total, message))
                    if all(len(entries) >= 3 for entries in reports.values()):
                        gate.open.set()

                result_data(await client.call_tool("stream_hosts", {"search": f"{who}*"}, progress_callback=progress))

            with anyio.fail_after(20):
                async with anyio.create_task_group() as tasks:
                    for who in reports:
                        tasks.start_soon(read, who)

        run_client(site, script, mode=mode, options={"limits": {"reads_in_flight": 1}})
    for entries in reports.values():
        assert entries[0][1:] == (None, "running, 0 s so far")
        _assert_strictly_growing(entries)


def test_progress_grows_over_stages() -> None:
    task = CancellableTask()
    seen = []
    for step in (("folders", 0, 2), ("folders", 2, 2), ("hosts", 0, 3), ("hosts", 3, 3)):
        task.watch(*step)
        seen.append(task.progress)
    assert seen[:3] == [(0.0, 2.0, "folders: 0 of 2"), (2.0, 2.0, "folders: 2 of 2"), (2.0, 5.0, "hosts: 0 of 3")]
    assert seen[3] == (5.0, 5.0, "hosts: 3 of 3")


@pytest.mark.parametrize("mode", MODES)
def test_a_cancelled_batch_stops_between_chunks(mode: str, tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    with SimulatedSite() as site:
        gate = Gate(site, "bulk-create")

        async def script(client: Client) -> None:
            hosts = [{"host_name": f"h{number:03d}"} for number in range(60)]
            with anyio.move_on_after(20) as scope:
                async with anyio.create_task_group() as tasks:

                    async def leave() -> None:
                        await anyio.to_thread.run_sync(gate.reached.wait, 20)
                        scope.cancel()
                        threading.Timer(0.2, gate.open.set).start()  # after the server has received the call

                    tasks.start_soon(leave)
                    await client.call_tool("batch_create_hosts", {"hosts": hosts})
            with anyio.fail_after(20):
                while "stopped by the client" not in log.read_text():
                    await anyio.sleep(0.02)

        run_client(
            site, script, allow_writes=True, mode=mode, audit=log, options={"batch_processing": {"chunk_size": 10}}
        )
        assert len(site.state.configuration.hosts) == 10


def test_a_cancelled_activation_stops_waiting(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    with SimulatedSite(hosts=1, activation_time=300.0) as site:
        with site.client() as cmk:
            cmk.hosts.create("new")

        async def script(client: Client) -> None:
            first = result_data(await client.call_tool("activate_changes", {}))
            with anyio.move_on_after(1.0):
                await client.call_tool("activate_changes", {"checksum": first["checksum"]})
            with anyio.fail_after(20):
                while "stopped by the client" not in log.read_text():
                    await anyio.sleep(0.02)

        run_client(site, script, allow_writes=True, confirm_by_checksum=True, audit=log)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("tool", "part"), [("hosts_get", "host00001"), ("services_list", "/domain-types/service/")])
def test_a_cancelled_read_is_interrupted(mode: str, tool: str, part: str) -> None:
    with SimulatedSite(hosts=3, services=5) as site:
        gate = Gate(site, part)

        async def script(client: Client) -> None:
            arguments = {"name": "host00001"} if tool == "hosts_get" else {}
            with anyio.move_on_after(20) as scope:
                async with anyio.create_task_group() as tasks:

                    async def leave() -> None:
                        await anyio.to_thread.run_sync(gate.reached.wait, 20)
                        scope.cancel()

                    tasks.start_soon(leave)
                    await client.call_tool(tool, arguments)

        before = time.monotonic()
        run_client(site, script, mode=mode)  # returns when no thread is running
        assert time.monotonic() - before < 15  # the site is still blocked by the gate
        gate.open.set()


@pytest.mark.parametrize("mode", MODES)
def test_one_slow_call_does_not_block_others(mode: str) -> None:
    """Each of the twenty calls reads a different host, so that no answer comes from the cache."""
    names = [f"host{number:05d}" for number in range(19)]
    with SimulatedSite(hosts=25, services=5) as site:
        gate = Gate(site, "host00022")

        async def script(client: Client) -> Any:
            done: list[str] = []

            async def get(name: str) -> None:
                done.append(result_data(await client.call_tool("hosts_get", {"name": name}))["name"])

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(get, "host00022")
                await anyio.to_thread.run_sync(gate.reached.wait, 20)
                with anyio.fail_after(20):
                    async with anyio.create_task_group() as quick:
                        for name in names:
                            quick.start_soon(get, name)
                before = list(done)
                gate.open.set()
            return before, done

        before, done = run_client(site, script, mode=mode)
        requests = [received.path for received in site.requests if "/objects/host_config/" in received.path]
    assert sorted(before) == names
    assert done == [*before, "host00022"]
    assert len(requests) == 20

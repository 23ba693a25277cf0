"""On the first signal, calls in progress finish. The second ends the process immediately."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator, Sequence

import pytest

pytest.importorskip("mcp", reason="needs the extra 'mcp' and Python 3.10")

import anyio
from mcp import Client

from checkmk_sync.mcp.audit import AuditLog
from checkmk_sync.mcp.calls import ToolRunner
from checkmk_sync.mcp.policy import Policy
from checkmk_sync.mcp.server import build_server
from checkmk_sync.testing import SimulatedSite
from tests.conftest import variables_of
from tests.held import Gate
from tests.mcp.in_process_client import MODES, error_text, result_data
from tests.mcp.server_process import http_client, running_server

pytestmark = pytest.mark.slow  # starts processes, which are blocked for some seconds

SIGNALS = [signal.SIGTERM, signal.SIGINT]
HOSTS = [{"host_name": "new"}]
CLIENT = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
SOON_S = 10  # less than a shutdown waits for calls


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("number", SIGNALS)
def test_calls_in_progress_finish(number: signal.Signals, mode: str) -> None:
    with SimulatedSite(hosts=2) as site, running_server(site) as (url, process):
        gate = Gate(site, "host00001")

        async def script() -> Any:
            got: list[Any] = []
            async with http_client(url, mode) as client:
                await client.list_tools()  # otherwise the client lists the tools after the answer

                async def get() -> None:
                    got.append(result_data(await client.call_tool("hosts_get", {"name": "host00001"})))

                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(get)
                    await anyio.to_thread.run_sync(gate.reached.wait, 20)
                    process.send_signal(number)
                    await anyio.sleep(0.3)
                    gate.open.set()
            return got

        (answer,) = anyio.run(script)
        assert answer["name"] == "host00001"
        assert process.wait(timeout=SOON_S) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


@pytest.mark.parametrize("number", SIGNALS)
def test_a_second_signal_ends_the_process_immediately(number: signal.Signals, tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    with SimulatedSite() as site, running_server(site, "--allow-writes", "--audit-log", str(log)) as (url, process):
        gate = Gate(site, "bulk-create")

        codes: list[Any] = []

        async def script() -> None:
            async with http_client(url) as client, anyio.create_task_group() as tasks:
                tasks.start_soon(client.call_tool, "batch_create_hosts", {"hosts": HOSTS})
                await anyio.to_thread.run_sync(gate.reached.wait, 20)
                process.send_signal(number)
                await anyio.sleep(0.3)
                codes.append(process.poll())
                process.send_signal(number)
                codes.append(await anyio.to_thread.run_sync(process.wait, SOON_S))

        with contextlib.suppress(Exception):  # the client's connection breaks
            anyio.run(script)
        gate.open.set()
        assert codes == [None, 128 + number]
    started, ended = map(json.loads, log.read_text().splitlines())
    assert (started["outcome"], ended["outcome"]) == ("started", "unknown: the server exited during the write")
    assert started["call"] == ended["call"]


def test_calls_that_take_too_long_are_stopped(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    with SimulatedSite(hosts=2, activation_time=300.0) as site, site.client() as cmk:
        cmk.hosts.create("new")
        gate = Gate(site, "host00001")
        with contextlib.closing(AuditLog(cmk.settings, str(log))) as audit:
            runner = ToolRunner(cmk, Policy(allow_writes=True, confirm_by_checksum=True), audit)

            async def script() -> Any:
                got: list[str] = []
                async with Client(build_server(runner)) as client:

                    async def call(tool: str, arguments: Any) -> None:
                        got.append(error_text(await client.call_tool(tool, arguments)))

                    shown = result_data(await client.call_tool("activate_changes", {}))
                    async with anyio.create_task_group() as tasks:
                        tasks.start_soon(call, "activate_changes", {"checksum": shown["checksum"]})
                        tasks.start_soon(call, "hosts_get", {"name": "host00001"})
                        await anyio.to_thread.run_sync(gate.reached.wait, 20)
                        while "started" not in log.read_text():
                            await anyio.sleep(0.01)
                        assert await anyio.to_thread.run_sync(runner.finish, 0.1)
                    await call("site_version", {})
                return got

            *stopped, refused = anyio.run(script)
        gate.open.set()
    assert len(stopped) == 2
    assert all("stopped before it finished: the server is shutting down" in text for text in stopped)
    assert "Nothing was done: the server is shutting down" in refused
    assert json.loads(log.read_text().splitlines()[-1])["outcome"] == "stopped by the server, done in part"


MODULE = ("-m", "checkmk_sync", "mcp")
IMPATIENT = """if True:
    from checkmk_sync.cli import main
    from checkmk_sync.mcp.calls import ToolRunner
    ToolRunner.finish.__defaults__ = (0.2,)
    main()
"""


class _Raw:
    """A client that writes lines to the standard input of a server."""

    def __init__(self, site: SimulatedSite, *arguments: str, program: Sequence[str] = MODULE) -> None:
        environment = {**os.environ, **variables_of(site)}
        command = [sys.executable, *program, *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        self.send("initialize", CLIENT, id=0)
        assert self.answer()["id"] == 0
        self.send("notifications/initialized", {})

    def send(self, method: str, params: Any, **more: Any) -> None:
        assert self.process.stdin is not None
        message = {"jsonrpc": "2.0", "method": method, "params": params, **more}
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())


@pytest.fixture
def raw(tmp_path: Path) -> Iterator[tuple[SimulatedSite, _Raw, Path]]:
    log = tmp_path / "audit.log"
    with SimulatedSite() as site:
        client = _Raw(site, "--allow-writes", "--audit-log", str(log))
        with client.process:
            yield site, client, log
            client.process.kill()


@pytest.mark.parametrize("number", SIGNALS)
def test_calls_in_progress_over_stdio_finish(raw: tuple[SimulatedSite, _Raw, Path], number: signal.Signals) -> None:
    site, client, log = raw
    gate = Gate(site, "bulk-create")
    client.send("tools/call", {"name": "batch_create_hosts", "arguments": {"hosts": HOSTS}}, id=1)
    assert gate.reached.wait(20)
    client.process.send_signal(number)
    client.send("tools/call", {"name": "site_version", "arguments": {}}, id=2)
    refused = client.answer()
    assert (refused["id"], refused["result"]["isError"]) == (2, True)
    assert "the server is shutting down" in refused["result"]["content"][0]["text"]
    gate.open.set()
    answer = client.answer()
    assert (answer["id"], answer["result"]["structuredContent"]["applied"]) == (1, 1)
    assert client.process.wait(timeout=SOON_S) == 0
    assert [json.loads(line)["outcome"] for line in log.read_text().splitlines()] == ["started", "done"]


def test_a_second_signal_over_stdio_ends_the_process_immediately(raw: tuple[SimulatedSite, _Raw, Path]) -> None:
    site, client, log = raw
    gate = Gate(site, "bulk-create")
    client.send("tools/call", {"name": "batch_create_hosts", "arguments": {"hosts": HOSTS}}, id=1)
    assert gate.reached.wait(20)
    client.process.terminate()
    client.send("tools/call", {"name": "site_version", "arguments": {}}, id=2)
    assert client.answer()["id"] == 2  # so the first signal has arrived
    client.process.send_signal(signal.SIGINT)
    assert client.process.wait(timeout=SOON_S) == 128 + signal.SIGTERM
    gate.open.set()
    assert json.loads(log.read_text().splitlines()[-1])["outcome"] == "unknown: the server exited during the write"


def test_the_exit_status_shows_that_a_call_was_stopped() -> None:
    with SimulatedSite(hosts=2) as site:
        gate = Gate(site, "host00001")
        client = _Raw(site, program=("-c", IMPATIENT, "mcp"))
        with client.process:
            client.send("tools/call", {"name": "hosts_get", "arguments": {"name": "host00001"}}, id=1)
            assert gate.reached.wait(20)
            client.process.terminate()
            assert "stopped before it finished" in client.answer()["result"]["content"][0]["text"]
            assert client.process.wait(timeout=SOON_S) == 128 + signal.SIGTERM
        gate.open.set()


def test_the_exit_status_over_http_shows_that_a_call_was_stopped() -> None:
    with SimulatedSite(hosts=2) as site, running_server(site, program=("-c", IMPATIENT, "mcp")) as (url, process):
        gate = Gate(site, "host00001")

        async def script() -> Any:
            got: list[str] = []
            async with http_client(url) as client, anyio.create_task_group() as tasks:
                await client.list_tools()

                async def get() -> None:
                    got.append(error_text(await client.call_tool("hosts_get", {"name": "host00001"})))

                tasks.start_soon(get)
                await anyio.to_thread.run_sync(gate.reached.wait, 20)
                process.terminate()
            return got

        (answer,) = anyio.run(script)
        assert "stopped before it finished" in answer
        assert process.wait(timeout=SOON_S) == 128 + signal.SIGTERM
        gate.open.set()

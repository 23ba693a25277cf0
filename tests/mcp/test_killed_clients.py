"""When a client is killed, its current write finishes and everything else stops."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator

import pytest

pytest.importorskip("mcp", reason="needs the extra 'mcp' and Python 3.10")

from checkmk_sync.testing import SimulatedSite
from tests.held import Gate
from tests.mcp.server_process import TOKEN, running_server

pytestmark = pytest.mark.slow  # starts processes, which are blocked for some seconds

# Calls the tool in the first argument, on the server at a URL or on a server that this script starts.
CLIENT = """
import anyio, json, sys
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
tool, arguments, token, *server = sys.argv[1:]
async def call(transport):
    async with Client(transport) as client:
        await client.call_tool(tool, json.loads(arguments))
async def main():
    if server[0].startswith("http"):
        async with create_mcp_http_client(headers={"Authorization": f"Bearer {token}"}) as http:
            await call(streamable_http_client(server[0], http_client=http))
    else:
        await call(StdioServerParameters(command=sys.executable, args=server))
anyio.run(main)
"""
SOON_S = 15  # less than the site takes, and less than a shutdown waits for calls
HOSTS = json.dumps({"hosts": [{"host_name": f"h{number}"} for number in range(50)]})


@pytest.fixture
def config(tmp_path: Path) -> Iterator[tuple[SimulatedSite, str]]:
    with SimulatedSite(hosts=3, services=5) as site:
        (tmp_path / "secret.txt").write_text(site.password)
        (tmp_path / "secret.txt").chmod(0o600)
        path = tmp_path / "config.yaml"
        path.write_text(
            f"checkmk: {{server_url: '{site.url}', site: s, username: {site.username}, password_file: secret.txt}}\n"
            "advanced_features: {batch_processing: {chunk_size: 10}}\n"
        )
        yield site, str(path)


@contextlib.contextmanager
def _killed(gate: Gate, tool: str, arguments: str, *server: str) -> Iterator[subprocess.Popen[str]]:
    """Yield a client that is killed when its call reaches the gate. Its stderr is shared with its server."""
    command = [sys.executable, "-c", CLIENT, tool, arguments, TOKEN, *server]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as client:
        assert gate.reached.wait(30)
        client.kill()
        client.wait(timeout=20)
        yield client


def test_the_current_write_finishes_and_no_other_starts(config: tuple[SimulatedSite, str], tmp_path: Path) -> None:
    site, path = config
    log = tmp_path / "audit.log"
    gate = Gate(site, "bulk-create")
    server = ["-m", "checkmk_sync.mcp", "--config", path, "--allow-writes", "--audit-log", str(log)]
    with _killed(gate, "batch_create_hosts", HOSTS, *server) as client:
        time.sleep(0.3)  # until the server sees that the pipes of the client are closed
        gate.open.set()
        assert client.stderr is not None
        assert client.stderr.read() == ""  # ends with the server
    assert "stopped by the client" in log.read_text()
    assert "10 of 50" in log.read_text()
    assert sum(name.startswith("h") and len(name) < 4 for name in site.state.configuration.hosts) == 10


def test_a_read_is_cancelled_and_the_server_ends(config: tuple[SimulatedSite, str]) -> None:
    site, path = config
    gate = Gate(site, "host00001")
    with _killed(gate, "hosts_get", '{"name": "host00001"}', "-m", "checkmk_sync.mcp", "--config", path) as client:
        before = time.monotonic()
        assert client.stderr is not None
        assert client.stderr.read() == ""
        assert time.monotonic() - before < SOON_S
        gate.open.set()


def test_a_read_over_http_is_cancelled() -> None:
    with SimulatedSite(hosts=3, services=5) as site, running_server(site) as (url, process):
        gate = Gate(site, "host00001")
        with _killed(gate, "hosts_get", '{"name": "host00001"}', url):
            process.terminate()
            assert process.wait(timeout=SOON_S) == 0
            gate.open.set()

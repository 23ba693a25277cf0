"""The official inspector accepts the server, and the official conformance scenarios pass.

Both come from npm. ``tox -e mcp-clients`` provides node and installs them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator

import pytest

pytest.importorskip("mcp", reason="needs the extra 'mcp' and Python 3.10")

from checkmk_sync.testing import SimulatedSite
from tests.conftest import variables_of
from tests.mcp.server_process import TOKEN, running_server

pytestmark = pytest.mark.node

LISTS = [
    ["tools/list", "--strict"],
    ["resources/list"],
    ["resources/templates/list"],
    ["prompts/list"],
]
OVER_HTTP = ["--transport", "http", "--header", f"Authorization: Bearer {TOKEN}"]
SCENARIOS = [
    "server-initialize",
    "ping",
    "tools-list",
    "resources-list",
    "prompts-list",
    "server-sse-multiple-streams",
    "dns-rebinding-protection",
]


@pytest.fixture(scope="module")
def programs() -> Path:
    """The folder with the programs from npm."""
    folder = os.environ.get("MCP_NODE_MODULES")
    if folder is None:
        pytest.skip("needs node and programs from npm: run tox -e mcp-clients")
    return Path(folder) / ".bin"


@pytest.fixture(scope="module")
def site() -> Iterator[SimulatedSite]:
    with SimulatedSite(hosts=30, services=5) as running:
        yield running


@pytest.fixture(scope="module")
def url(site: SimulatedSite) -> Iterator[str]:
    """The URL of a server with all tools, which requires TOKEN."""
    with running_server(site, "--allow-writes") as (url, _):
        yield url


@pytest.fixture(scope="module")
def open_url(site: SimulatedSite) -> Iterator[str]:
    """The URL of a server without a token, for programs that cannot send a token."""
    with running_server(site, token=None) as (url, _):
        yield url


def _inspect(programs: Path, *arguments: str) -> Any:
    command = [str(programs / "mcp-inspector"), "--cli", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


def _stdio_command(site: SimulatedSite) -> list[str]:
    variables = [word for name, value in variables_of(site).items() for word in ("-e", f"{name}={value}")]
    return [*variables, sys.executable, "-m", "checkmk_sync.mcp"]


@pytest.mark.parametrize("method", LISTS, ids=lambda words: words[0])
def test_the_inspector_accepts_the_server_over_stdio(programs: Path, site: SimulatedSite, method: list[str]) -> None:
    code, output = _inspect(programs, *_stdio_command(site), "--method", *method)
    assert code == 0, output


@pytest.mark.parametrize("method", LISTS, ids=lambda words: words[0])
def test_the_inspector_accepts_the_server_over_http(programs: Path, url: str, method: list[str]) -> None:
    code, output = _inspect(programs, url, *OVER_HTTP, "--method", *method)
    assert code == 0, output


def test_the_inspector_calls_tools_and_reads_resources(programs: Path, url: str) -> None:
    call = ["--method", "tools/call", "--tool-name", "stream_hosts", "--tool-arg", "limit=3"]
    code, output = _inspect(programs, url, *OVER_HTTP, *call)
    assert code == 0, output
    assert json.loads(output)["structuredContent"]["count"] == 3
    code, output = _inspect(
        programs, url, *OVER_HTTP, "--method", "resources/read", "--uri", "checkmk://hosts/host00001"
    )
    assert code == 0, output
    assert "host00001" in output
    wrong = ["--method", "tools/call", "--tool-name", "hosts_get", "--tool-arg", "name=nope"]
    code, output = _inspect(programs, url, *OVER_HTTP, *wrong)
    assert code == 5, output  # the error of a tool


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_conformance_scenario_passes(programs: Path, open_url: str, scenario: str, tmp_path: Path) -> None:
    command = [str(programs / "conformance"), "server", "--url", open_url, "--scenario", scenario, "-o", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr

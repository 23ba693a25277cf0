"""``checkmk-sync mcp --http`` as a separate process, for a simulated site."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from typing import Any, AsyncIterator, Iterator, Optional, Sequence

from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from checkmk_sync.testing import SimulatedSite
from tests.conftest import variables_of

__all__ = ["TOKEN", "http_client", "running_server"]

TOKEN = "a-token-of-forty-characters-0123456789-ab"


@contextlib.contextmanager
def running_server(
    site: SimulatedSite,
    *arguments: str,
    token: Optional[str] = TOKEN,
    program: Sequence[str] = ("-m", "checkmk_sync", "mcp"),
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Yield the URL and the process. ``token`` is the server's token, unless the arguments name a token file."""
    environment = {**os.environ, **variables_of(site), "CHECKMK_MCP_TOKEN": token or ""}
    command = [sys.executable, *program, "--http", "--port", "0", *arguments]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            address = re.search(r"http://\S+", process.stderr.readline())
            assert address is not None, process.stderr.read()
            yield address[0], process
        finally:
            process.kill()


@contextlib.asynccontextmanager
async def http_client(url: str, mode: str = "auto", agent: str = "tests", **options: Any) -> AsyncIterator[Client]:
    """Yield a client for the server at ``url``, with TOKEN and the User-Agent ``agent``."""
    headers = {"Authorization": f"Bearer {TOKEN}", "User-Agent": agent}
    async with create_mcp_http_client(headers=headers) as http:
        async with Client(streamable_http_client(url, http_client=http), mode=mode, **options) as client:
            yield client

"""Measure the time until the MCP server sends its first answer. Run: python benchmarks/mcp_start.py

The time is compared with the import of the SDK alone, which takes most of it. Both times are the best of several runs,
because other processes disturb the measurement.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

ROUNDS = 5
INITIALIZE = (
    b'{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18", '
    b'"capabilities": {}, "clientInfo": {"name": "benchmark", "version": "1"}}}\n'
)
SITE = {
    "CHECKMK_SERVER_URL": "http://127.0.0.1:1",
    "CHECKMK_SITE": "s",
    "CHECKMK_USERNAME": "automation",
    "CHECKMK_PASSWORD": "not-asked-for",
}


def _import_s() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import mcp.server.mcpserver"], check=True)
    return time.perf_counter() - started


def _answer_s() -> float:
    started = time.perf_counter()
    command = [sys.executable, "-m", "checkmk_sync.mcp"]
    environment = {**os.environ, **SITE}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as server:
        assert server.stdin is not None and server.stdout is not None
        server.stdin.write(INITIALIZE)
        server.stdin.flush()
        assert b"checkmk_sync" in server.stdout.readline()
        took = time.perf_counter() - started
        server.stdin.close()
    return took


if __name__ == "__main__":
    alone = min(_import_s() for _ in range(ROUNDS))
    answer = min(_answer_s() for _ in range(ROUNDS))
    print(f"importing the SDK  {alone:.2f} s\nfirst answer       {answer:.2f} s, {answer / alone:.1f} x")

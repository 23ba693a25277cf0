"""``checkmk-sync mcp`` over stdio, as a process that a client starts."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Iterator

import pytest

pytest.importorskip("mcp", reason="needs the extra 'mcp' and Python 3.10")

import anyio
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError

from checkmk_sync.testing import SimulatedSite
from tests.conftest import Run
from tests.mcp.in_process_client import error_text, result_data

pytestmark = pytest.mark.slow  # starts a server process for each test

WRONG_PROMPTS: tuple[tuple[str, dict[str, str], str], ...] = (
    ("triage_host", {}, "Missing required arguments: .*host"),
    ("triage_host", {"host": "web01", "other": "x"}, "other: Unexpected keyword argument"),
    ("triage_host", {"host": "../x"}, "is not a host name"),
    ("nope", {}, "Unknown prompt: nope"),
)
HUGE = "x" * 10_000_000


@pytest.fixture
def config(tmp_path: Path) -> Iterator[tuple[SimulatedSite, str]]:
    with SimulatedSite(hosts=30, services=5) as site:
        (tmp_path / "secret.txt").write_text(site.password)
        (tmp_path / "secret.txt").chmod(0o600)
        path = tmp_path / "config.yaml"
        path.write_text(
            f"checkmk: {{server_url: '{site.url}', site: s, username: {site.username}, password_file: secret.txt}}\n"
        )
        yield site, str(path)


def _process(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "checkmk_sync.mcp", *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def test_the_usage_names_the_module() -> None:
    output, _ = _process("--help").communicate(timeout=60)
    assert output.startswith(b"Usage: python -m checkmk_sync.mcp [OPTIONS]")


def test_a_client_starts_the_server_and_leaves(config: tuple[SimulatedSite, str], tmp_path: Path) -> None:
    site, path = config
    log = tmp_path / "audit.log"
    arguments = ["-m", "checkmk_sync", "mcp", "--config", path, "--allow-writes", "--audit-log", str(log)]

    async def script() -> Any:
        with open(tmp_path / "stderr", "w+", encoding="utf-8") as stderr:
            parameters = StdioServerParameters(command=sys.executable, args=arguments)
            async with Client(stdio_client(parameters, errlog=stderr)) as client:
                hosts = result_data(await client.call_tool("stream_hosts", {"limit": 2}))
                huge = error_text(await client.call_tool("hosts_get", {"name": HUGE}))
                result_data(await client.call_tool("hosts_create", {"name": "new"}))
                for prompt, given, why in WRONG_PROMPTS:
                    with pytest.raises(MCPError, match=why):
                        await client.get_prompt(prompt, given)
            stderr.seek(0)
            return hosts, huge, stderr.read()

    hosts, huge, stderr = anyio.run(script)
    assert [host["name"] for host in hosts["items"]] == ["host00000", "host00001"]
    assert "at most 1000 characters" in huge
    assert "new" in site.state.configuration.hosts
    assert log.read_text().count("\n") == 2
    assert stderr == ""


def test_the_server_ends_with_its_client(config: tuple[SimulatedSite, str]) -> None:
    _, path = config
    process = _process("--config", path)
    out, err = process.communicate(timeout=30)  # a killed client only closes its pipe
    assert (process.returncode, out, err) == (0, b"", b"")


def test_a_password_command_does_not_read_the_messages(config: tuple[SimulatedSite, str], tmp_path: Path) -> None:
    site, path = config
    program = tmp_path / "password.py"
    program.write_text(f"import sys; sys.stdin.read(); print({site.password!r})")
    command = f"{sys.executable} {program}"
    text = Path(path).read_text().replace("password_file: secret.txt", f"password_command: '{command}'")
    Path(path).write_text(text)
    ping = b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n'
    with _process("--config", path) as process:
        out, _ = process.communicate(ping, timeout=30)
    assert b'"id":1' in out.replace(b" ", b"")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server(config: tuple[SimulatedSite, str], number: signal.Signals) -> None:
    _, path = config
    with _process("--config", path) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\nnot json\n')
        process.stdin.flush()
        assert b'"id":1' in process.stdout.readline().replace(b" ", b"")
        process.send_signal(number)
        assert process.wait(timeout=20) == 0


def test_invalid_options_are_refused_before_serving(
    config: tuple[SimulatedSite, str], sync: Run, tmp_path: Path
) -> None:
    _, path = config
    token = tmp_path / "token"
    token.write_text("t" * 40)
    token.chmod(0o644)
    for arguments, why in (
        (["--sync-folder", str(tmp_path / "none")], "does not exist"),
        (["--audit-log", str(tmp_path)], "audit log cannot be written"),
        (["--max-batch", "0"], "max-batch"),
        (["--http", "--host", "0.0.0.0"], "needs a token"),
        (["--http", "--token-file", str(token)], "chmod 600"),
        (["--http", "--token-file", str(tmp_path / "none")], "cannot be read"),
        (["--http", "--behind-tls"], "--name"),
        (["--http", "--allow-writes"], "--token-file"),
        (["--token-file", str(token)], "--token-file applies only to HTTP; give --http as well"),
        (["--port", "8765"], "give --http as well"),
        (["--host", "127.0.0.1"], "give --http as well"),
        (["--behind-tls"], "give --http as well"),
        (["--name", "mcp.example.com"], "give --http as well"),
        (["--confirm-by-checksum"], "needs --allow-writes"),
        (
            ["--allow", "hosts_*", "--allow", "*_delete"],
            "all tools that match '*_delete' write; add --allow-writes",
        ),
    ):
        result = sync("mcp", "--config", path, *arguments)
        assert result.code == 2, arguments
        assert why in result.err, arguments


@pytest.mark.parametrize("options", [(), ("-v",)])
def test_an_internal_error_is_one_line_or_with_v_a_traceback(
    config: tuple[SimulatedSite, str], options: tuple[str, ...]
) -> None:
    program = """if True:
        import sys
        from checkmk_sync.cli import main
        from checkmk_sync.mcp import calls
        def broken(*_args):
            raise RuntimeError("of the program\\nin two lines")
        calls.page_result = broken
        main()
    """
    arguments = ["-c", program, "mcp", "--config", config[1], *options]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as stderr:

        async def script() -> Any:
            parameters = StdioServerParameters(command=sys.executable, args=arguments)
            async with Client(stdio_client(parameters, errlog=stderr)) as client:
                return error_text(await client.call_tool("stream_hosts", {}))

        assert "of the program" not in anyio.run(script)
        stderr.seek(0)
        output = stderr.read()
    assert "RuntimeError: of the program" in output
    assert ("Traceback" in output, output.count("\n") == 1) == (bool(options), not options)

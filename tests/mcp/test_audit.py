"""The audit log: its content, its behaviour in case of failures, and the files that it accepts."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import resource
import signal
import stat
from pathlib import Path
from typing import Any, Iterator

import pytest

pytest.importorskip("mcp", reason="needs the extra 'mcp' and Python 3.10")

import anyio
from mcp import Client
from mcp_types import ElicitResult

from checkmk_sync.commands import COMMANDS
from checkmk_sync.core.cancellation import Stopped
from checkmk_sync.errors import SettingsError
from checkmk_sync.mcp.audit import AuditLog
from checkmk_sync.mcp.calls import ToolRunner
from checkmk_sync.mcp.policy import Policy
from checkmk_sync.mcp.progress import CancellableTask
from checkmk_sync.testing import Fault, SimulatedSite
from tests.conftest import Run
from tests.held import Gate
from tests.mcp.in_process_client import error_text, result_data, run_client


@pytest.fixture
def live() -> Iterator[SimulatedSite]:
    with SimulatedSite(hosts=3) as site:
        yield site


def _yes(_message: str) -> ElicitResult:
    return ElicitResult(action="accept", content={"approve": True})


def _lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()]


def _call(site: SimulatedSite, log: Path, tool: str, /, **arguments: Any) -> Any:
    async def script(client: Client) -> Any:
        return await client.call_tool(tool, arguments)

    return run_client(site, script, allow_writes=True, answer=_yes, audit=log)


def test_a_write_cancelled_before_its_thread_runs_is_neither_logged_nor_sent(
    live: SimulatedSite, tmp_path: Path
) -> None:
    task, command = CancellableTask(), next(found for found in COMMANDS if found.tool_name == "hosts_create")
    with live.client() as cmk, contextlib.closing(AuditLog(cmk.settings, str(tmp_path / "log"))) as log:
        runner = ToolRunner(cmk, Policy(allow_writes=True), log)

        def run() -> Any:
            task.stop()
            return runner._run(command, {"host": "new", "folder": "/", "attribute": {}, "label": {}}, "client")

        with pytest.raises(Stopped):
            anyio.run(task.run, run, contextlib.nullcontext())
    assert _lines(tmp_path / "log") == []
    assert len(live.requests) == 0


def test_a_batch_is_logged_with_all_names_and_all_failures(live: SimulatedSite, tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    names = [f"a-host-with-a-name-that-is-rather-long-{number:03d}" for number in range(400)]
    live.add_user("somebody", "somebodys-secret")
    with live.client("somebody") as cmk:
        cmk.hosts.bulk_create([{"host_name": name} for name in names[:70]])
    result = result_data(_call(live, log, "batch_create_hosts", hosts=[{"host_name": name} for name in names]))
    started, ended = _lines(log)
    assert [host["host_name"] for host in started["arguments"]["hosts"]] == names
    assert started["call"] == ended["call"]
    assert ended["counts"] == {"applied": 330, "not_applied": 70, "unknown": 0}
    assert ended["failed"] == {"not applied": names[:70]}
    assert len(result["failures"]) == 50  # the limit of a result for a model


def test_a_sync_is_logged_with_its_failures(live: SimulatedSite, tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    live.set_faults([Fault("fail_host", hosts="host0000[02]")])
    inventory = {"hosts": [{"name": f"host0000{number}", "attributes": {"alias": "new"}} for number in range(3)]}
    _call(live, log, "sync_apply", inventory=inventory, discover=False, allow_changes=3)
    ended = _lines(log)[-1]
    assert (ended["counts"]["applied"], ended["counts"]["not applied"]) == (1, 2)
    assert ended["failed"] == {"not applied": ["host host00000", "host host00002"]}


def test_a_delete_is_logged_with_its_failures(live: SimulatedSite, tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    error_text(_call(live, log, "hosts_delete", names=["host00000", "nope"]))
    ended = _lines(log)[-1]
    assert ended["outcome"] == "failed: BatchError"
    assert ended["counts"] == {"applied": 1, "not applied": 1}
    assert ended["failed"] == {"not applied": ["nope"]}


def test_a_line_cut_by_a_full_disk_does_not_spoil_the_next(live: SimulatedSite, tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    with live.client() as cmk:
        audit = AuditLog(cmk.settings, str(log))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    first = audit.begin("hosts_create", {"name": "first"})
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size + 20, before[1]))
    try:
        for _ in range(2):
            with pytest.raises(OSError, match="too large"):
                audit.begin("hosts_create", {"name": "lost"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    second = audit.begin("hosts_create", {"name": "second"})
    audit.abandon()
    audit.close()
    started, torn, again, *unknown = log.read_text().splitlines()
    assert json.loads(started)["call"] == first
    assert len(torn) == 20
    assert json.loads(again)["call"] == second
    assert {json.loads(line)["call"]: json.loads(line)["outcome"] for line in unknown} == dict.fromkeys(
        (first, second), "unknown: the server exited during the write"
    )


def test_a_new_file_is_private_and_an_existing_one_is_unchanged(live: SimulatedSite, tmp_path: Path) -> None:
    log, old = tmp_path / "audit.log", tmp_path / "old.log"
    old.write_text("{}\n")
    before = os.umask(0)
    try:
        with live.client() as cmk:
            AuditLog(cmk.settings, str(log)).close()
            assert stat.S_IMODE(log.stat().st_mode) == 0o600
            for mode in (0o644, 0o620):
                old.chmod(mode)
                with pytest.raises(SettingsError, match="chmod 600"):
                    AuditLog(cmk.settings, str(old))
                assert stat.S_IMODE(old.stat().st_mode) == mode
            old.chmod(0o600)
            AuditLog(cmk.settings, str(old)).close()
    finally:
        os.umask(before)
    assert old.read_text() == "{}\n"


def test_only_regular_files_are_accepted(live: SimulatedSite, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "file").touch(0o600)
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with live.client() as cmk:
        for path in (tmp_path / "pipe", tmp_path / "link", tmp_path, Path("/dev/null")):
            with pytest.raises(SettingsError, match="audit log cannot be written"):
                AuditLog(cmk.settings, str(path))
        reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
        with pytest.raises(SettingsError, match="not a regular file"):  # without a reader, opening the pipe would fail
            AuditLog(cmk.settings, str(tmp_path / "pipe"))
        os.close(reader)


def test_nothing_is_written_that_cannot_be_logged(live: SimulatedSite, tmp_path: Path) -> None:
    log = tmp_path / "audit.log"

    async def script(client: Client) -> Any:
        for number in os.listdir("/proc/self/fd"):  # simulates a full disk
            if os.path.realpath(f"/proc/self/fd/{number}") == str(log):
                full = os.open("/dev/full", os.O_WRONLY)
                os.dup2(full, int(number))
                os.close(full)
        return await client.call_tool("hosts_create", {"name": "new"})

    if not os.path.exists("/dev/full") or not os.path.exists("/proc/self/fd"):
        pytest.skip("needs /dev/full and /proc")
    assert "the audit log cannot be written" in error_text(run_client(live, script, allow_writes=True, audit=log))
    assert "new" not in live.state.configuration.hosts


def test_the_approved_changes_of_an_activation_are_logged_in_full(live: SimulatedSite, tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    with live.client() as cmk:
        cmk.hosts.bulk_create([{"host_name": f"new{number:03d}"} for number in range(300)])
        pending = sorted(change.id for change in cmk.activation.pending())
    _call(live, log, "activate_changes")
    assert sorted(_lines(log)[0]["arguments"]["approved"]) == pending


def test_arguments_too_long_for_a_line_are_counted(
    live: SimulatedSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "audit.log"
    monkeypatch.setattr("checkmk_sync.mcp.audit.MAX_LINE", 1000)
    with live.client() as cmk, contextlib.closing(AuditLog(cmk.settings, str(log))) as audit:
        audit.begin("sync_apply", {"owner": "cmdb", "names": ["web01"] * 50, "approved": ["0" * 36] * 500})
        audit.begin("hosts_delete", {"names": ["web01"] * 200, "approved": ["0" * 36] * 500})
    first, second = (line["arguments"] for line in _lines(log))
    assert first == {"owner": "cmdb", "names": ["web01"] * 50, "approved": "500 entries, too long for the log"}
    assert second == {"names": "200 entries, too long for the log", "approved": "500 entries, too long for the log"}


def test_a_write_stopped_in_the_queue_has_written_nothing(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    with SimulatedSite(hosts=1, services=2) as site:
        gate = Gate(site, "host_config/collections/all")

        async def script(client: Client) -> None:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.call_tool, "hosts_create", {"name": "first"})
                assert await anyio.to_thread.run_sync(gate.reached.wait, 20)
                with anyio.move_on_after(0.3):  # waits, because only one write runs at a time
                    await client.call_tool("hosts_create", {"name": "second"})
                while "stopped" not in log.read_text():
                    await anyio.sleep(0.02)
                gate.open.set()

        run_client(site, script, allow_writes=True, audit=log)
        assert "second" not in site.state.configuration.hosts
    assert "stopped by the client, before anything was written" in log.read_text()


def test_the_command_line_refuses_an_audit_log_that_cannot_be_opened(
    site_for_cli: SimulatedSite, sync: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("mcp"), "handlers", [])  # restores the handlers of other tests
    monkeypatch.setattr(logging.getLogger("mcp"), "propagate", True)
    result = sync("mcp", "--audit-log", str(tmp_path / "missing" / "audit.log"))
    assert (result.code, result.out) == (2, "")
    assert "the audit log cannot be written: No such file or directory" in result.err


@pytest.mark.parametrize("value", [{"auth": ("password", "geheim-geheim")}, {"token": "geheim-geheim"}])
def test_secrets_in_the_values_of_rules_are_hidden(live: SimulatedSite, tmp_path: Path, value: Any) -> None:
    log, facts = tmp_path / "audit.log", {"folder": "/", "value": repr(value)}
    created = _call(live, log, "rules_create", ruleset="special_agents:prometheus", **facts)
    refused = _call(live, log, "rules_create", ruleset="checkgroup_parameters:memory_linux", **facts)
    assert "The data type of the value" in error_text(refused)
    assert "geheim" not in f"{result_data(created)} {error_text(refused)} {log.read_text()}"
    assert '"***"' in log.read_text()

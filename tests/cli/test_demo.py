"""The demo shows a complete run on a simulated site in under 30 seconds."""

from __future__ import annotations

import csv
import io
import re
import signal
import subprocess
import sys
import time

import pytest

from checkmk_sync.cli.app import run
from checkmk_sync.cli.demo import inventory_as_csv
from tests.conftest import Show


@pytest.mark.slow
def test_the_demo_runs_and_keeps_its_site() -> None:
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "checkmk_sync", "demo", "--keep"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.strip())
        if line.strip().startswith("checkmk-sync plan"):
            break
    assert time.monotonic() - started < 30
    _assert_complete("\n".join(lines))
    settings = dict(re.findall(r"(CHECKMK_\w+)=(\S+)", "\n".join(lines)))
    code = "from checkmk_sync import Checkmk\nprint(sum(1 for _ in Checkmk.from_env().hosts.each()))"
    done = subprocess.run([sys.executable, "-c", code], env=settings, capture_output=True, text=True)
    assert done.stdout.strip() == "2112", done.stderr
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 0


@pytest.mark.slow
def test_the_demo_on_a_terminal_colours_states_and_ends_with_the_next_step(show: Show) -> None:
    lines, _ = show("demo", width=200)
    assert any(line.startswith("\x1b[31m   CRITICAL\x1b[0m  ") for line in lines)
    assert "docs/tutorial.md" in lines[-1] and "checkmk-sync demo --keep" in lines[-1]


def test_ctrl_c_reports_that_the_simulated_site_is_gone() -> None:
    command = [sys.executable, "-m", "checkmk_sync", "demo"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert any(line.startswith("create hosts") for line in process.stderr)
        process.send_signal(signal.SIGINT)
        assert process.stderr.read().splitlines()[-1] == "Error: stopped; the simulated site is gone"
    assert process.returncode == 130


def test_the_demo_has_no_json_output() -> None:
    assert run(["demo", "--json"]) == 2


def _assert_complete(output: str) -> None:
    assert "Changes: 2168 applied, 0 not applied, 0 unknown" in output
    assert "Discovery: 2112 hosts scanned" in output
    assert "Verified" in output
    assert "0 to create, 0 to move, 0 to update, 0 to delete, 2168 unchanged" in output
    assert re.search(r"\d+ unhandled problems", output)
    assert "CRITICAL" in output
    for word in ("requests", "p50", "p95", "cache", "retries"):
        assert word in output


def test_the_inventory_is_realistic_and_always_the_same() -> None:
    rows = list(csv.DictReader(io.StringIO(inventory_as_csv())))
    assert len(rows) >= 2000
    assert len({row["name"] for row in rows}) == len(rows)
    assert len({row["ipaddress"] for row in rows}) == len(rows)
    assert max(row["folder"].count("/") for row in rows) >= 4
    assert inventory_as_csv() == inventory_as_csv()


def test_simulate_refuses_invalid_options() -> None:
    assert run(["simulate", "--version", "1.6.0"]) == 2
    assert run(["simulate", "--edition", "gold"]) == 2
    assert run(["simulate", "--password", "a", "--password-file", "b"]) == 2
    assert run(["simulate", "--host", "0.0.0.0", "--control"]) == 2

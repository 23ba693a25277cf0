"""``--stats`` prints the cost of any command on stderr, even if the command fails."""

from __future__ import annotations

import json

from checkmk_sync.testing import Fault, SimulatedSite
from tests.conftest import Run


def test_text_statistics_do_not_change_the_result(site_for_cli: SimulatedSite, sync: Run) -> None:
    plain = sync("hosts", "list")
    measured = sync("--stats", "hosts", "list")
    assert measured.out == plain.out
    assert plain.err == ""
    lines = measured.err.splitlines()
    assert lines[0].split() == ["requests", str(len(site_for_cli.requests) // 2)]
    (row,) = (line.split() for line in lines if "hosts list" in line)
    assert row[2] == "1"
    assert row.count("ms") == 3


def test_json_statistics_include_waits_and_retries(site_for_cli: SimulatedSite, sync: Run) -> None:
    site_for_cli.set_faults([Fault("status", status=503, times=1)])
    result = sync("hosts", "get", "host00001", "--json", "--stats", "-q")
    (line,) = result.err.splitlines()
    cost = json.loads(line)["stats"]
    assert (cost["attempts"], cost["retries"]) == (2, 1)
    assert cost["retry_wait_s"] > 0
    assert cost["bytes_received"] > 100
    assert set(cost["calls"]["hosts.get"]) == {"count", "p50", "p95", "p99"}
    assert result.data["name"] == "host00001"


def test_failed_commands_print_statistics_and_keep_their_exit_code(site_for_cli: SimulatedSite, sync: Run) -> None:
    result = sync("--json", "--stats", "hosts", "get", "nope")
    error, cost = map(json.loads, result.err.splitlines())
    assert result.code == 2
    assert error["error"] == "NotFoundError"
    assert cost["stats"]["calls"]["hosts.get"]["count"] == 1


def test_statistics_of_doctor_and_of_offline_commands(site_for_cli: SimulatedSite, sync: Run) -> None:
    found = json.loads(sync("doctor", "--json", "--stats").err)
    assert found["stats"]["attempts"] == len(site_for_cli.requests)
    nothing = json.loads(sync("--json", "--stats", "plan", "nowhere.yaml").err.splitlines()[-1])["stats"]
    assert nothing["attempts"] == 0
    assert nothing["calls"] == {}

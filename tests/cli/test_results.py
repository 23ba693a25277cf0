"""Results contain counts, an outcome for each object, and folder names with slashes."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from checkmk_sync.errors import CheckmkError
from checkmk_sync.testing import Fault, SimulatedSite
from tests.conftest import Run, use_site

# Discovery


def _discover(sync: Run, *words: str) -> Any:
    result = sync("discover", *words, "--json")
    assert result.code == 0, result.err
    return tuple(result.data[name] for name in ("hosts", "new", "vanished", "unchanged"))


@pytest.mark.parametrize("version", ["2.2.0p40", "2.3.0p41", "2.4.0p18", "2.5.0p1"])
def test_a_scan_counts_services(version: str, sync: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        SimulatedSite(hosts=2, services=10, version=version, discovery_time=0.0) as site,
        site.client() as cmk,
    ):
        use_site(monkeypatch, site)
        cmk.hosts.create("new")
        assert _discover(sync, "new", "host00000") == (2, 8, 0, 8)
        assert _discover(sync, "new", "host00000") == (2, 0, 0, 16)
        result = cmk.discovery.result("new")
        cmk.discovery.set_phase("new", "cpu_loads", None, "undecided")
        cmk.discovery.set_phase("new", "df", "/", "vanished")
        assert _discover(sync, "new") == (1, 1, 1, len(result.in_phase("monitored")) - 2)
        assert _discover(sync, "new", "--remove-vanished")[1:] == (0, 1, 7)


def test_a_scan_reports_counts(site_for_cli: SimulatedSite, sync: Run) -> None:
    assert sync("discover", "host00000", "host00001").out.splitlines() == [
        "host00000, host00001 discovered",
        "hosts: 2",
        "state: finished",
        "new: 0",
        "vanished: 0",
        "unchanged: 16",
    ]


def test_only_a_few_hosts_are_counted(sync: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with SimulatedSite(hosts=25, services=5) as site:
        use_site(monkeypatch, site)
        names = [f"host{n:05d}" for n in range(25)]
        many = sync("discover", *names, "--json").data
        assert (many["hosts"], many["new"], many["note"]) == (25, None, "no counts for more than 20 hosts")
        assert not [request for request in site.requests if "/service_discovery/" in request.path]
        assert sync("discover", *names[:20], "--json").data["unchanged"] == 60
        assert len([request for request in site.requests if "/service_discovery/" in request.path]) == 40


def test_hosts_without_scan_results_are_named(site_for_cli: SimulatedSite, sync: Run) -> None:
    for fault in (
        Fault("crash", path="/service_discovery/host00001"),
        Fault("status", status=503, path="/service_disc.*1$"),
    ):
        site_for_cli.set_faults([fault])
        result = sync("discover", "host00000", "host00001", "--json")
        assert result.code == 0
        assert result.data["note"] == "not counted: host00001"
        assert (result.data["hosts"], result.data["new"], result.data["unchanged"]) == (2, 0, 8)
    site_for_cli.set_faults([Fault("crash", path="/service_discovery/")])
    result = sync("discover", "host00000").out
    assert "new: \n" in result and "note: not counted: host00000" in result


# Activating


def test_an_activation_without_pending_changes_says_so(site_for_cli: SimulatedSite, sync: Run) -> None:
    sync("hosts", "create", "new")
    assert sync("activate").out.splitlines()[:2] == ["activated", "activated: 1"]
    assert sync("activate").out == "nothing to activate\n"
    again = sync("activate", "--json").data
    assert (again["outcome"], again["activated"], again["seconds"]) == ("applied", 0, 0.0)


# Deleting


@pytest.mark.parametrize(
    ("names", "code", "expected"),
    [
        (["host00000", "host00001", "nohost"], 1, "Error: 2 of 3 deleted; the others:\nnohost: no such host\n"),
        (["nohost"], 2, "Error: nohost: no such host\n"),
        (
            ["nohost", "nobody"],
            2,
            "Error: 0 of 2 deleted; the others:\nnohost: no such host\nnobody: no such host\n",
        ),
    ],
)
def test_each_host_of_a_deletion_has_an_outcome(
    site_for_cli: SimulatedSite, sync: Run, names: list[str], code: int, expected: str
) -> None:
    result = sync("hosts", "delete", *names, "--yes")
    assert (result.code, result.out) == (code, "")
    assert sorted(result.err.splitlines()) == sorted(expected.splitlines())


def test_deleted_hosts_are_counted(site_for_cli: SimulatedSite, sync: Run) -> None:
    assert sync("hosts", "delete", "host00000", "host00001", "--yes").out.splitlines() == [
        "host00000, host00001 deleted",
        "deleted: 2",
    ]
    assert sync("hosts", "delete", "host00002", "--yes", "--json").data == {
        "outcome": "applied",
        "deleted": 1,
    }


def test_a_host_without_permission_is_not_reported_as_missing(
    site_for_cli: SimulatedSite, sync: Run, monkeypatch: Any
) -> None:
    site_for_cli.add_user("guest", "guests-password", "guest")
    monkeypatch.setenv("CHECKMK_USERNAME", "guest")
    monkeypatch.setenv("CHECKMK_PASSWORD", "guests-password")
    refused = sync("hosts", "delete", "host00000", "--yes")
    assert refused.code != 0
    assert "no such host" not in refused.err


# States


@pytest.mark.parametrize("text", ["CRITICAL", "critical", "Crit", "crit", "C", "c", " crit "])
def test_states_are_accepted_in_any_case_and_abbreviated(site_for_cli: SimulatedSite, sync: Run, text: str) -> None:
    states = [0, 1, 2, 3, 2]
    site_for_cli.seed_monitoring(
        {
            "hosts": [{"name": f"h{n}", "state": n % 3} for n in range(5)],
            "services": [{"host_name": f"h{n}", "description": "x", "state": state} for n, state in enumerate(states)],
        }
    )
    assert [row["host"] for row in sync("services", "list", "--state", text, "--json").data] == ["h2", "h4"]
    both = sync("services", "list", "--state", text, "--state", "WARN", "--json").data
    assert [row["host"] for row in both] == ["h1", "h2", "h4"]


@pytest.mark.parametrize(
    ("text", "states"), [("up", {"UP"}), ("Down", {"DOWN"}), ("unr", {"UNREACHABLE"}), ("D", {"DOWN"})]
)
def test_host_states_are_accepted_abbreviated(
    site_for_cli: SimulatedSite, sync: Run, text: str, states: set[str]
) -> None:
    site_for_cli.seed_monitoring({"hosts": [{"name": f"h{n}", "state": n % 3} for n in range(5)], "services": []})
    assert {row["state"] for row in sync("hosts", "status", "--state", text, "--json").data} == states


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "services list --state xx",
            "'xx' is not one of ok, warning, critical, unknown, pending; a unique prefix is enough",
        ),
        ("services list --state ''", "'' is not one of ok, warning, critical, unknown, pending"),
        ("services list --state crit,warn", "'crit,warn' is not one of ok, warning"),
        ("services list --state down", "'down' is not one of ok, warning"),
        ("services list --state 2", "'2' is not one of ok"),
        ("hosts status --state u", "'u' is ambiguous; use up or unreachable"),
        ("hosts status --state ok", "'ok' is not one of up, down, unreachable, pending"),
    ],
)
def test_unknown_states_are_refused(site_for_cli: SimulatedSite, sync: Run, line: str, expected: str) -> None:
    result = sync(*shlex.split(line))
    assert (result.code, result.out) == (2, "")
    assert f"Invalid value for '--state': {expected}" in result.err
    assert not site_for_cli.requests


# Folders


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("folders get /nope", "'/nope'"),
        ("folders get ~nope", "'/nope'"),
        ("folders get nope/below", "'/nope/below'"),
        ("folders get '/a b'", "'/a b'"),
        ("folders list --parent ~nope", "'/nope'"),
        ("folders create /nope/x --title t", ""),
        ("folders update ~nope --title t", "'/nope'"),
        ("folders move /nope /", "'/nope'"),
        ("folders move ~linux /nope", "'/nope'"),
        ("folders move ~linux ~linux~web", "A folder can not be moved to a folder within itself."),
        ("folders move /linux /linux", "A folder can not be moved into itself."),
        ("folders delete ~linux --yes", "/folder_config/linux"),
        ("folders delete /nope --yes", "'/nope'"),
        ("hosts list --folder ~nope", "'/nope'"),
        ("hosts create web09 --folder ~nope", "'/nope'"),
        ("hosts move host00000 ~nope", "'/nope'"),
        ("folders move / /x", "the root folder '/' cannot be moved or deleted"),
        ("folders move ~ /linux", "the root folder '/' cannot be moved or deleted"),
        ("folders delete / --yes --recursive", "the root folder '/' cannot be moved or deleted"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_folder_paths_are_printed_with_slashes(
    site_for_cli: SimulatedSite, sync: Run, line: str, expected: str, as_json: bool
) -> None:
    with site_for_cli.client() as cmk:
        cmk.folders.ensure("/linux/web")
        cmk.hosts.create("web01", "/linux/web")
    result = sync(*shlex.split(line), *(["--json"] if as_json else []))
    assert (result.code == 0) is (expected == "")
    assert "~" not in result.out + result.err
    message = json.loads(result.err)["message"] if as_json and expected else result.err
    assert expected in message


def test_errors_of_the_library_name_folders_with_slashes(site: SimulatedSite, cmk: Any) -> None:
    for call in (
        lambda: cmk.folders.get("~nope~x"),
        lambda: list(cmk.folders.each("~nope")),
        lambda: cmk.folders.delete("~a"),
    ):
        with pytest.raises(CheckmkError) as caught:
            call()
        assert "~" not in str(caught.value) + json.dumps(caught.value.to_dict(), default=str)


def test_a_tilde_outside_of_a_folder_stays(site: SimulatedSite, cmk: Any) -> None:
    site.set_faults([Fault("status", status=502, path="/folder_config/")])
    with pytest.raises(CheckmkError) as caught:
        cmk.folders.get("/")
    assert "GET /objects/folder_config/" in str(caught.value)


# The simulated site


@pytest.mark.slow
@pytest.mark.parametrize("how", ["default", "password", "password-file"])
def test_the_variables_of_a_simulated_site_work(tmp_path: Path, how: str) -> None:
    secret = tmp_path / "it's a secret.txt"
    secret.write_text("geheim-geheim")
    secret.chmod(0o600)
    options = {
        "password": ["--password", "geheim-geheim"],
        "password-file": ["--password-file", str(secret)],
    }
    command = [sys.executable, "-m", "checkmk_sync", "simulate", "--port", "0", "--hosts", "2", *options.get(how, [])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    try:
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or not lines[-1].startswith("export CHECKMK_PASSWORD"):
            lines.append(process.stdout.readline())
        text = "".join(lines)
        names = [line.partition("=")[0] for line in lines[1:4]]
        assert names == [f"export CHECKMK_{name}" for name in ("SERVER_URL", "SITE", "USERNAME")]
        exports = "".join(line for line in lines if line.startswith("export "))
        assert "geheim-geheim" not in text
        script = f"{exports}\n{sys.executable} -m checkmk_sync hosts list"
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env={"PATH": os.environ["PATH"]})
        assert done.stdout.startswith("host00000"), done.stderr
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    held = [line.split("=", 1)[1].strip() for line in lines if line.startswith("export CHECKMK_PASSWORD_FILE")]
    assert process.returncode == 0
    assert how != "password" or not Path(held[0]).exists(), "the password file is deleted with the site"

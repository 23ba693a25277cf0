"""Text from a site, a file or a monitored system cannot start a new line on the terminal. Our own line breaks stay."""

from __future__ import annotations

import json
import pickle
import re
import shlex
from pathlib import Path
from typing import Any, Iterator
from urllib.parse import quote

import pytest
import responses

from checkmk_sync.client.nouns.activation import PendingChange
from checkmk_sync.client.outcomes import Outcome, Outcomes, Status
from checkmk_sync.errors import (
    ActivationError,
    ApiError,
    BatchError,
    CheckmkError,
    DiscoveryError,
    InventoryError,
    SettingsError,
    WorkerError,
)
from checkmk_sync.sync import from_data
from checkmk_sync.testing import Fault, SimulatedSite
from tests.conftest import Result, Run

BREAKS = ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\x1b[2K\x1b[1G", "\x1c", "\x00\n"]
EVIL = "x" + "".join(f"{mark}FORGED " for mark in BREAKS)


def _assert_not_forged(result: Result) -> None:
    for text in (result.out, result.err):
        assert not [line for line in text.splitlines() if line.lstrip().startswith("FORGED")], text
        assert not set(text) & {"\x1b", "\r", "\x85", "\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\x00"}, text


# Data of a site


@pytest.fixture
def hostile(site_for_cli: SimulatedSite) -> Iterator[SimulatedSite]:
    row = {"plugin_output": EVIL, "state": 1}
    site_for_cli.seed_monitoring(
        {"hosts": [{"name": "h", **row}], "services": [{"host_name": "h", "description": EVIL, **row}]}
    )
    site_for_cli.state.configuration.add_change("edit-rule", EVIL, "carol")
    with site_for_cli.client() as cmk:
        cmk.folders.create("/linux", title=EVIL)
        cmk.hosts.create("web01", "/linux", {"alias": EVIL, "labels": {"env": EVIL.replace(":", "")}})
        cmk.hosts.create("web02", "/", {"alias": EVIL})
        yield site_for_cli


@pytest.mark.parametrize(
    "line",
    [
        "hosts list",
        "hosts get web01 --effective",
        "hosts update web01 --remove ipaddress",
        "hosts status",
        "folders list",
        "folders get /linux",
        "services list",
        "problems",
        "pending",
        "activate",
        "activate --force-foreign",
        "doctor",
        "-vv hosts list",
        "health",
    ],
)
def test_rows_and_records_cannot_forge_lines(hostile: SimulatedSite, sync: Run, line: str) -> None:
    result = sync(*shlex.split(line))
    _assert_not_forged(result)
    if "list" in line or "get" in line:
        assert "x\\nFORGED \\r\\nFORGED " in result.out


def test_plans_and_reports_cannot_forge_lines(hostile: SimulatedSite, sync: Run, tmp_path: Path) -> None:
    inventory = tmp_path / f"hosts{EVIL.replace('/', '').replace(chr(0), '')}.json"
    hosts = [{"name": "web01", "attributes": {"alias": "plain"}}, {"name": "new", "attributes": {"alias": EVIL}}]
    inventory.write_text(json.dumps(hosts), "utf-8")
    for line in (
        ["plan"],
        ["plan", "--owner", "cmdb"],
        ["apply", "--yes"],
        ["-v", "apply", "--yes", "--allow-changes", "9"],
    ):
        _assert_not_forged(sync(*line, str(inventory)))
    inventory.write_text(json.dumps([{"name": EVIL}, {"name": "a", "attributes": {EVIL: 1}}, {EVIL: 1}, EVIL]), "utf-8")
    mistakes = sync("plan", str(inventory))
    _assert_not_forged(mistakes)
    assert mistakes.err.count("\n") > 3, "each mistake has its line"
    for content in (
        f"name,{EVIL}\n",
        f'"{EVIL}"\n1\n',
        f"{EVIL}: 1\n",
        '{"a": "' + "\n",
        "x: !!python/object:os.x y\n",
    ):
        inventory.write_text(content, "utf-8")
        _assert_not_forged(sync("plan", str(inventory)))
    _assert_not_forged(sync("plan", str(tmp_path / EVIL.replace("/", "").replace("\0", ""))))


# Responses of a site


ANYWHERE = re.compile("http://127.0.0.1:1/.*")
ANSWERS: dict[str, Any] = {
    "fields": {"title": EVIL, "status": 400, "detail": EVIL, "fields": {EVIL: [EVIL, EVIL]}},
    "detail": {"title": EVIL, "status": 400, "detail": EVIL},
    "msg": {"title": "x", "status": 400, "fields": {"body.a": {"msg": EVIL}}},
    "html": f"<html><title>{EVIL}</title>{EVIL}</html>",
    "text": EVIL,
}


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[responses.RequestsMock]:
    """Yield a mock of a site whose responses are set by the test."""
    config = tmp_path / "config.yaml"
    config.write_text(
        "checkmk: {server_url: 'http://127.0.0.1:1', site: s, username: u, password_env: SECRET}\n"
        "advanced_features: {recovery: {retry: {max_retries: 0}}}\n"
    )
    monkeypatch.setenv("SECRET", "p" * 12)
    monkeypatch.setenv("CHECKMK_SYNC_CONFIG", str(config))
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 422, 423, 429, 500, 503])
@pytest.mark.parametrize("answer", ANSWERS)
def test_error_responses_cannot_forge_lines(
    nowhere: responses.RequestsMock, sync: Run, status: int, answer: str
) -> None:
    told = ANSWERS[answer]
    for method in ("GET", "POST"):
        nowhere.add(method, ANYWHERE, status=status, body=told if isinstance(told, str) else json.dumps(told))
    for line in ("version", "hosts get web01", "folders list", "problems", "-v pending", "--json version"):
        result = sync(*line.split())
        assert result.code != 0
        _assert_not_forged(result)
        assert result.err.count("\n") == 1 or "-v" in line, result.err


@pytest.mark.parametrize(
    "answer",
    [
        {"versions": {"checkmk": EVIL}, "edition": EVIL, "site": EVIL},
        {"versions": {"checkmk": "2.4.0"}, "edition": EVIL, "site": EVIL},
        {"value": [{"id": EVIL, "extensions": {"folder": EVIL, "attributes": {}}}]},
        EVIL,
        [EVIL],
        None,
    ],
    ids=["version", "edition", "folder", "text", "list", "null"],
)
def test_unexpected_responses_cannot_forge_lines(nowhere: responses.RequestsMock, sync: Run, answer: Any) -> None:
    nowhere.add("GET", ANYWHERE, json=answer, content_type="application/json")
    for line in ("version", "hosts list", "health", "doctor", "hosts get web01", "pending"):
        _assert_not_forged(sync(*line.split()))


@pytest.mark.parametrize("where", [f"/login?{quote(EVIL)}", "/a\x1b[31m/b", "//evil/x"])
def test_redirects_cannot_forge_lines(nowhere: responses.RequestsMock, sync: Run, where: str) -> None:
    nowhere.add("GET", ANYWHERE, status=302, headers={"Location": where})
    _assert_not_forged(sync("version"))


# Files and command lines


@pytest.mark.parametrize(
    "text",
    [
        f"checkmk: {{{json.dumps(EVIL)}: 1}}",
        f"{json.dumps(EVIL)}: 1",
        f"checkmk: {{site: {json.dumps(EVIL)}, server_url: 'http://x', username: u, password: p}}",
        f"checkmk: {{site: s, server_url: {json.dumps('http://' + EVIL)}, username: u, password: p}}",
        f"checkmk: {{site: s, server_url: 'https://x', username: u, password_file: {json.dumps('x' + EVIL[1:20])}}}",
        f"checkmk: {{site: s, server_url: 'https://x', username: u, password_command: {json.dumps(EVIL[:12])}}}",
        "a: !!python/object:os.system x",
        "a: [\n",
        "\x07: 1",
    ],
    ids=range(9),
)
def test_configurations_cannot_forge_lines(sync: Run, tmp_path: Path, text: str) -> None:
    config = tmp_path / "con\nFORGED fig.yaml"
    config.write_text(text, "utf-8")
    for line in ("version", "doctor"):
        result = sync("--config", str(config), line)
        assert result.code in (2, 3)
        _assert_not_forged(result)
        assert line == "doctor" or result.err.count("\n") == 1


def test_names_of_missing_files_cannot_forge_lines(sync: Run, site_for_cli: SimulatedSite) -> None:
    for line in (["--config", "no\nFORGED", "version"], ["plan", "no\nFORGED.csv"], ["plan", "no\rFORGED"]):
        _assert_not_forged(sync(*line))


def test_arguments_cannot_forge_lines(site_for_cli: SimulatedSite, sync: Run) -> None:
    evil = EVIL.replace("\0", "")
    for line in (
        ["hosts", "get", evil],
        ["hosts", "get", "a", evil],
        ["hosts", "list", f"--{evil}"],
        ["hosts", evil],
        [evil],
        ["hosts", "create", "a", "--attribute", evil],
        ["hosts", "create", "a", "--attribute", f"parents=[{evil}"],
        ["services", "list", "--state", evil],
        ["folders", "get", evil],
        ["hosts", "list", "--limit", evil],
        ["hosts", "delete", evil, "--yes"],
        ["completion"],
    ):
        result = sync(*line)
        assert result.code == 2
        _assert_not_forged(result)
        assert result.err.count("\n") == 1


@pytest.mark.filterwarnings("default")
def test_warnings_and_logs_cannot_forge_lines(
    site_for_cli: SimulatedSite, sync: Run, tmp_path: Path, monkeypatch: Any
) -> None:
    secret = tmp_path / "sec\nFORGED ret.txt"
    secret.write_text(site_for_cli.password)
    secret.chmod(0o644)  # so that a warning is printed
    monkeypatch.delenv("CHECKMK_PASSWORD")
    monkeypatch.setenv("CHECKMK_PASSWORD_FILE", str(secret))
    warned = sync("version")
    assert "Warning: " in warned.err and "sec\\nFORGED ret.txt" in warned.err
    _assert_not_forged(warned)
    site_for_cli.set_faults([Fault("status", status=503, times=1)])
    monkeypatch.setenv("CHECKMK_PASSWORD_FILE", str(secret))
    logged = sync("-vv", "folders", "get", "/", "--config", "no\nFORGED")
    _assert_not_forged(logged)


# Errors of the library


def _errors() -> list[CheckmkError]:
    outcomes = Outcomes([Outcome(EVIL, Status.NOT_APPLIED, ApiError(400, EVIL, EVIL))])
    errors = [
        ApiError(400, EVIL, EVIL, fields={EVIL: [EVIL]}, call=f"GET /{EVIL}"),
        SettingsError(EVIL, file=EVIL, line=3),
        ActivationError(EVIL, status_per_site={EVIL: EVIL}),
        DiscoveryError(EVIL, state="exception"),
        WorkerError(EVIL, kind="ValueError"),
        CheckmkError(EVIL),
    ]
    with pytest.raises(BatchError) as caught:
        outcomes.raise_for_failures()
    return [*errors, caught.value]


def test_a_message_is_one_line_and_facts_stay_unescaped() -> None:
    for error in _errors():
        assert len(str(error).splitlines()) == 1
        assert str(pickle.loads(pickle.dumps(error))) == str(error)
    api = _errors()[0]
    assert isinstance(api, ApiError)
    assert (api.title, api.detail, api.fields) == (EVIL, EVIL, {EVIL: [EVIL]})
    assert "FORGED" not in str(PendingChange("1", EVIL, EVIL, EVIL, "")).splitlines()[0][:1]
    assert len(str(PendingChange("1", EVIL, EVIL, EVIL, "")).splitlines()) == 1


def test_lists_of_mistakes_keep_their_lines() -> None:
    with pytest.raises(InventoryError) as caught:
        from_data({"hosts": [{"name": EVIL}, {"name": "a b"}]})
    head, *lines = str(caught.value).split("\n")
    assert head == "2 mistakes in the inventory:"
    assert len(lines) == 2 and all(line.startswith("  hosts[") for line in lines)
    assert len(str(BatchError("head", f"a: {EVIL}", f"b: {EVIL}", outcomes=())).splitlines()) == 3

"""``checkmk-sync api`` sends any request to the API, and asks before it writes."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import responses

from checkmk_sync.cli.app import cli
from checkmk_sync.commands import COMMANDS
from checkmk_sync.testing import Fault, SimulatedSite
from tests.conftest import Run

GROUPS = "/domain-types/host_group_config/collections/all"
GROUP = "/objects/host_group_config/linux"
CREATE = ("api", "POST", GROUPS, "-f", "name=linux", "-f", "alias=Linux")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Any:
    def give(text: str) -> None:
        monkeypatch.setattr("sys.stdin", Terminal(text))

    return give


def test_a_read_prints_the_answer_as_json(site_for_cli: SimulatedSite, sync: Run) -> None:
    read = sync("api", "get", "objects/host_config/host00001", "--query", "effective_attributes=true")
    assert (read.code, read.err) == (0, "")
    assert read.data["id"] == "host00001"
    assert read.data["extensions"]["effective_attributes"] is not None
    assert sync("api", "GET", "/objects/host_config/host00001", "--json").data["id"] == "host00001"


def test_repeated_parameters_are_all_sent(site_for_cli: SimulatedSite, sync: Run) -> None:
    sync("api", "GET", "/domain-types/host/collections/all", "--query", "columns=name", "--query", "columns=state")
    assert site_for_cli.requests[-1].query == "columns=name&columns=state"


def test_include_prints_status_headers_etag_and_time(site_for_cli: SimulatedSite, sync: Run) -> None:
    data = sync("api", "GET", "/objects/host_config/host00001", "-i").data
    assert sorted(data) == ["data", "elapsed_s", "etag", "headers", "status"]
    assert (data["status"], data["headers"]["X-Checkmk-Version"]) == (200, "2.4.0p18")
    assert data["etag"] == data["headers"]["ETag"]


def test_a_write_with_yes_is_sent(site_for_cli: SimulatedSite, sync: Run) -> None:
    made = sync(*CREATE, "--yes")
    assert (made.code, made.data["id"]) == (0, "linux")
    changed = sync("api", "PUT", GROUP, "-F", 'alias="Linux servers"', "--etag", "*", "--yes")
    assert changed.data["title"] == "Linux servers"
    assert site_for_cli.requests[-1].headers["If-Match"] == "*"
    gone = sync("api", "DELETE", GROUP, "--yes")
    assert (gone.code, gone.data) == (0, None)


def test_json_fields_are_sent_with_their_types(site_for_cli: SimulatedSite, sync: Run) -> None:
    sync("api", "POST", "/x", "-f", "text=1", "-F", "number=1", "-F", "yes=true", "-F", 'tags={"a": [null]}', "--yes")
    assert site_for_cli.requests[-1].body == {"text": "1", "number": 1, "yes": True, "tags": {"a": [None]}}


def test_a_body_is_read_from_a_file_or_stdin(
    site_for_cli: SimulatedSite, sync: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "group.json"
    path.write_text('\ufeff{"name": "linux", "alias": "Linux"}', encoding="utf-8")
    assert sync("api", "POST", GROUPS, "--input", str(path), "--yes").data["id"] == "linux"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"name": "bsd", "alias": "BSD"}')))
    assert sync("api", "POST", GROUPS, "--input", "-", "--yes").data["id"] == "bsd"


def test_a_write_is_refused_if_nobody_can_confirm_it(
    site_for_cli: SimulatedSite, sync: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = sync(*CREATE)
    assert (refused.code, refused.out) == (2, "")
    assert "cannot ask for confirmation, because standard input is not a terminal; give --yes" in refused.err
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"{}")))
    assert "because standard input is the body" in sync("api", "POST", GROUPS, "--input", "-").err
    assert not site_for_cli.requests


def test_a_write_shows_the_request_and_asks(site_for_cli: SimulatedSite, sync: Run, answers: Any) -> None:
    answers("n\n")
    declined = sync(*CREATE, "-f", "password=geheim", "--query", "a=b c")
    assert declined.code == 2
    assert f"POST {GROUPS}?a=b+c" in declined.err
    assert '"alias": "Linux"' in declined.err
    assert "geheim" not in declined.err
    assert "Nothing was done." in declined.err
    assert not site_for_cli.requests
    answers("y\n")
    assert sync(*CREATE).code == 0
    answers("")
    assert sync(*CREATE).code == 130, "the end of the input means no"


WRONG = {
    "method": (("TRACE", "/version"), "'TRACE'"),
    "path": (("GET", "https://evil.example/"), "the path must be relative to the API"),
    "path of a write": (("DELETE", "/objects/../x", "--yes"), "the path must be relative to the API"),
    "body of a read": (("GET", "/version", "-f", "a=b"), "give parameters with --query"),
    "no pair": (("POST", "/x", "-f", "a", "--yes"), "--field must be KEY=VALUE, not 'a'"),
    "no JSON": (("POST", "/x", "-F", "a=b", "--yes"), "--json-field a must be JSON, such as '\"text\"': "),
    "not a number": (("POST", "/x", "-F", "a=NaN", "--yes"), "cannot be sent as JSON"),
    "two values": (("POST", "/x", "-f", "a=b", "-F", "a=1", "--yes"), "the field a occurs twice"),
    "two bodies": (("POST", "/x", "-f", "a=b", "--input", "x", "--yes"), "either --input or fields"),
    "no file": (("POST", "/x", "--input", "none.json", "--yes"), "cannot read none.json: No such file"),
    "etag": (("PUT", "/x", "--etag", "a\nb", "--yes"), "an ETag must be"),
}


@pytest.mark.every_case
@pytest.mark.parametrize("case", WRONG)
def test_bad_input_is_refused(site_for_cli: SimulatedSite, sync: Run, case: str) -> None:
    arguments, message = WRONG[case]
    refused = sync("api", *arguments)
    assert (refused.code, refused.out) == (2, "")
    assert message in refused.err
    assert not site_for_cli.requests


def test_a_body_that_is_not_utf_8_is_refused(site_for_cli: SimulatedSite, sync: Run, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(b"\xff\xfe")
    assert "is not encoded in UTF-8" in sync("api", "POST", "/x", "--input", str(path), "--yes").err
    path.write_text("[" * 100_000)
    assert sync("api", "POST", "/x", "--input", str(path), "--yes").code == 2


def test_exit_codes_are_the_same_as_for_other_commands(site_for_cli: SimulatedSite, sync: Run) -> None:
    assert sync("api", "GET", "/objects/host_config/none").code == 2
    refused = sync("api", "PUT", "/objects/host_config/host00001", "-F", "attributes={}", "--yes", "--json")
    assert refused.code == 1, "428, because the request has no ETag"
    assert json.loads(refused.err)["outcome"] == "not applied"
    site_for_cli.set_faults([Fault("reset_after", writes=True)])
    lost = sync(*CREATE, "--yes")
    assert lost.code == 5
    assert f"unknown whether POST {GROUPS} was executed" in lost.err
    lost = sync(*CREATE, "--yes", "--json")
    assert json.loads(lost.err)["outcome"] == "unknown"
    assert len(site_for_cli.requests) == 4, "no request was repeated"
    site_for_cli.close()
    assert sync("api", "GET", "/version").code == 3


@responses.activate
def test_a_file_is_saved(site_for_cli: SimulatedSite, sync: Run, tmp_path: Path) -> None:
    agent = "/domain-types/agent/actions/download/invoke"
    headers = {"X-Checkmk-Version": "2.4.0p18"}
    responses.add(
        "GET", f"{site_for_cli.api_url}{agent}", body=b"\x00deb", headers=headers, content_type="application/x-deb"
    )
    shown = sync("api", "GET", agent, "--query", "os_type=linux_deb")
    assert shown.data == {"content_type": "application/x-deb", "bytes": 4}
    assert "give --save FILE" in shown.err
    path = tmp_path / "agent.deb"
    saved = sync("api", "GET", agent, "--save", str(path))
    assert (saved.code, saved.err, path.read_bytes()) == (0, "", b"\x00deb")
    failed = sync("api", "GET", agent, "--save", str(tmp_path))
    assert failed.code == 1
    assert "the request was executed, but" in failed.err


def test_the_example_in_the_help_runs(site_for_cli: SimulatedSite, sync: Run) -> None:
    example = (cli.commands["api"].epilog or "").split("checkmk-sync ")[1].split()
    assert sync(*example).code == 0


def test_api_is_not_a_tool() -> None:
    assert not [command for command in COMMANDS if command.name == "api" or "api" in command.tool_name.split("_")]

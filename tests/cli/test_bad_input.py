"""Bad input on the command line ends with exit code 2 and one sentence, and nothing is done without approval."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Optional

import pytest

from checkmk_sync.testing import SimulatedSite
from tests.conftest import Run


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("hosts list --limit -1", "--limit"),
        (f"hosts list --limit {2**63}", "--limit"),
        ("activate --timeout -1", "--timeout"),
        ("hosts get nope", "404"),
        ("hosts get ''", "is not a host name"),
        ("hosts create 'x y'", "x y"),
        ("hosts create x --folder /gibtsnicht", "gibtsnicht"),
        ("hosts create x --folder ''", "not a folder"),
        ("hosts create x --attribute parents=[", "starts like JSON"),
        ("hosts create x --label env=", "--remove-label env"),
        ("hosts create x --attribute alias=1 --attribute alias=2", "--attribute alias occurs twice"),
        ("hosts create x --attribute alias=1 --attribute alias=1", "--attribute alias occurs twice"),
        ("hosts update host00000 --label a=1 --label a=2", "--label a occurs twice"),
        ("folders update / --attribute site=a --attribute site=b", "--attribute site occurs twice"),
        ("hosts create x --attribute 'labels={}' --label a=1", "not both"),
        ("hosts update host00000 --attribute 'labels={}' --label a=1", "not both"),
        ("hosts update host00000 --attribute alias=1 --remove alias", "--remove removes it"),
        ("hosts update host00000 --label a=1 --remove-label a", "--remove-label removes it"),
        ("hosts update host00000", "nothing to change"),
        ("hosts update host00000 --attribute nonsense=1", "nonsense"),
        ("hosts update nope --attribute alias=1", "404"),
        ("hosts move host00000 /gibtsnicht", "gibtsnicht"),
        ("folders get /gibtsnicht", "404"),
        ("plan - --json --markdown", "not both"),
        ("simulate --site a/b --port 0", "not a site ID"),
        ("simulate --username 'a b' --port 0", "not a user ID"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(site_for_cli: SimulatedSite, sync: Run, line: str, message: str) -> None:
    import shlex

    result = sync(*shlex.split(line))
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert result.err.startswith(("Error: ", '{"error": '))
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("owner", "message"),
    [
        ("", "it is empty"),
        (" ", "it starts or ends with a space"),
        ("cmdb ", "it starts or ends with a space"),
        (" a:b", "it contains a ':'"),
        ("a\nb", "it contains a line break"),
    ],
)
def test_an_invalid_owner_is_refused_with_the_reason(
    site_for_cli: SimulatedSite, sync: Run, tmp_path: Path, owner: str, message: str
) -> None:
    (tmp_path / "a.yaml").write_text("hosts: [{name: a}]")
    for command in ("plan", "apply"):
        refused = sync(command, str(tmp_path / "a.yaml"), "--owner", owner)
        assert (refused.code, refused.out) == (2, "")
        assert refused.err == f"Error: the owner {owner!r} is not valid: {message}\n"


@pytest.mark.parametrize("line", [[], ["hosts"], ["services"]])
def test_help_is_shown_if_no_command_is_given(sync: Run, line: list[str]) -> None:
    result = sync(*line)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("Usage: ")


def test_all_missing_variables_are_named_at_once(sync: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    result = sync("hosts", "list")
    assert result.code == 2
    for name in ("SERVER_URL", "SITE", "USERNAME", "PASSWORD"):
        assert f"CHECKMK_{name}" in result.err
    assert "--config FILE" in result.err
    assert "checkmk-sync demo" in result.err
    for name in ("SERVER_URL", "SITE", "USERNAME", "PASSWORD_FILE", "PASSWORD"):
        monkeypatch.setenv(f"CHECKMK_{name}", "")
    assert sync("hosts", "list").err == result.err, "an empty variable counts as missing"


def test_an_unreachable_server_is_named(site_for_cli: SimulatedSite, sync: Run, monkeypatch: Any) -> None:
    monkeypatch.setenv("CHECKMK_SERVER_URL", "http://127.0.0.1:1")
    assert sync("version").err.endswith("; the server is http://127.0.0.1:1\n")
    assert json.loads(sync("version", "--json").err)["server_url"] == "http://127.0.0.1:1"


def test_thousands_of_mistakes_are_counted(sync: Run, tmp_path: Path) -> None:
    inventory = tmp_path / "hosts.csv"
    inventory.write_text("name\n" + "not a name\n" * 3000)
    lines = sync("plan", str(inventory)).err.splitlines()
    assert len(lines) == 41
    assert lines[0] == "Error: 3000 mistakes in the inventory:"
    assert lines[-1] == "  … and 2961 more lines; --json prints all of them"
    assert len(json.loads(sync("plan", str(inventory), "--json").err)["problems"]) == 3000


def test_labels_and_structured_attributes_are_set(site_for_cli: SimulatedSite, sync: Run) -> None:
    assert sync("hosts", "update", "host00001", "--attribute", "parents=host00000|host00002").code == 0
    assert sync("hosts", "update", "host00001", "--attribute", 'contactgroups={"groups": ["all"]}').code == 0
    sync("hosts", "update", "host00001", "--label", "env=prod", "--label", "checkmk_sync/owner=other")
    changed = sync("hosts", "update", "host00001", "--remove-label", "checkmk_sync/owner", "--json").data
    assert (changed["labels"], changed["owner"]) == ({"env": "prod"}, None)
    changed = changed["attributes"]
    assert changed["parents"] == ["host00000", "host00002"]
    assert changed["contactgroups"]["groups"] == ["all"]
    assert sync("hosts", "update", "host00001", "--attribute", 'parents=["host00000"]', "--json").data["attributes"][
        "parents"
    ] == ["host00000"]


def test_a_repeated_name_counts_once(site_for_cli: SimulatedSite, sync: Run) -> None:
    assert sync("hosts", "delete", "host00000", "host00000", "--yes", "--json").data["deleted"] == 1
    assert sync("discover", "host00001", "host00001", "--json").data["hosts"] == 1


def test_hosts_can_be_searched(site_for_cli: SimulatedSite, sync: Run) -> None:
    assert [row["name"] for row in sync("hosts", "list", "--search", "*1", "--json").data] == ["host00001"]


# Questions


class Terminal:
    """A run of the command line on a pseudo-terminal. ``answer`` is typed at its question; None sends Ctrl-C."""

    def __init__(self, site: SimulatedSite, *arguments: str, answer: Optional[str], stdout: Any = None) -> None:
        main, ours = pty.openpty()
        environment = {**os.environ, "CHECKMK_SERVER_URL": site.url, "TERM": "dumb", "COLUMNS": "200"}
        command = [sys.executable, "-m", "checkmk_sync", *arguments]
        process = subprocess.Popen(
            command, stdin=ours, stdout=stdout or ours, stderr=ours, env=environment, start_new_session=True
        )
        os.close(ours)
        self.shown, is_answered, ends = b"", False, time.monotonic() + 60
        while time.monotonic() < ends:
            if select.select([main], [], [], 0.05)[0]:
                try:
                    self.shown += os.read(main, 65536)
                except OSError:  # the other side is closed
                    break
            if not is_answered and b"[y/N]" in self.shown:
                is_answered = True
                time.sleep(0.3)  # the program shows the question before it reads the answer
                process.send_signal(signal.SIGINT) if answer is None else os.write(main, answer.encode())
        os.close(main)
        self.code = process.wait(timeout=30)
        self.text = self.shown.decode().replace("\r\n", "\n")


@pytest.fixture
def inventory(tmp_path: Path) -> str:
    path = tmp_path / "hosts.csv"
    path.write_text("name\nweb01\n")
    return str(path)


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "code"), [("n\n", 2), ("\x04", 130), (None, 130)], ids=["no", "end", "Ctrl-C"])
def test_a_declined_question_does_nothing_and_says_so(
    site_for_cli: SimulatedSite, inventory: str, answer: Optional[str], code: int
) -> None:
    for arguments in (["apply", inventory], ["hosts", "delete", "host00000"]):
        terminal = Terminal(site_for_cli, *arguments, answer=answer)
        assert terminal.code == code
        assert terminal.text.rstrip().endswith("Nothing was done.")
        assert "run it again" not in terminal.text
    assert set(site_for_cli.state.configuration.hosts) == {"host00000", "host00001", "host00002"}


def test_apply_shows_the_plan_before_it_asks(site_for_cli: SimulatedSite, inventory: str, tmp_path: Path) -> None:
    for arguments in (["--json"], []):
        with open(tmp_path / "out", "w+") as out:
            terminal = Terminal(site_for_cli, "apply", inventory, *arguments, answer="n\n", stdout=out)
        assert "+ host web01" in terminal.text
        assert "Apply 1 change, scan 1 host and activate?" in terminal.text
    with open(tmp_path / "out", "w+") as out:
        assert Terminal(site_for_cli, "apply", inventory, "--json", answer="y\n", stdout=out).code == 0
        out.seek(0)
        assert json.load(out)["ok"] is True


def test_a_deletion_lists_its_objects_before_it_asks(site_for_cli: SimulatedSite) -> None:
    with site_for_cli.client() as cmk:
        cmk.folders.ensure("/dc/rack1")
        cmk.hosts.create("srv1", "/dc/rack1")
    refused = Terminal(site_for_cli, "folders", "delete", "/dc", answer="y\n")
    assert refused.code == 2
    assert "--recursive would also delete 1 folder and 1 host in it" in refused.text
    assert "Continue?" not in refused.text
    terminal = Terminal(site_for_cli, "folders", "delete", "/dc", "--recursive", answer="n\n")
    assert "Permanently delete the folder /dc with 1 folder and 1 host in it, and with the rules" in terminal.text
    assert "in /dc/rack1: srv1" in terminal.text
    assert terminal.code == 2
    terminal = Terminal(site_for_cli, "hosts", "delete", "srv1", "nope", answer="y\n")
    assert "in /dc/rack1: srv1" in terminal.text
    assert "no such host: nope" in terminal.text
    assert "srv1" not in site_for_cli.state.configuration.hosts


def test_the_question_names_only_steps_that_would_be_done(site_for_cli: SimulatedSite, inventory: str) -> None:
    """The host exists already, so only a scan and the activation are left."""
    with site_for_cli.client() as cmk:
        cmk.hosts.create("web01")
    terminal = Terminal(site_for_cli, "apply", inventory, answer="n\n")
    assert "Scan 1 host and activate?" in terminal.text
    assert "Apply 0" not in terminal.text


def test_a_table_on_a_terminal_has_a_header(site_for_cli: SimulatedSite) -> None:
    assert Terminal(site_for_cli, "hosts", "list", answer="").text.split()[:2] == ["name", "folder"]

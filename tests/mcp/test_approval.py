"""Destructive tools run only after a person has approved their exact effect, and only if it has not changed."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any, Callable, Iterator, Optional

import pytest

pytest.importorskip("mcp", reason="needs the extra 'mcp' and Python 3.10")

import anyio
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitResult

from checkmk_sync.mcp import approval
from checkmk_sync.testing import SimulatedSite
from tests.mcp.in_process_client import MODES, error_text, result_data, run_client

ACCEPT = ElicitResult(action="accept", content={"approve": True})
NOT_AGREED = [
    ElicitResult(action="decline"),
    ElicitResult(action="cancel"),
    ElicitResult(action="accept", content={"approve": False}),
    ElicitResult(action="accept", content={}),
    ElicitResult(action="accept", content=None),
    ElicitResult(action="accept", content={"approve": "yes"}),
]


@pytest.fixture
def live() -> Iterator[SimulatedSite]:
    with SimulatedSite(hosts=3, services=10) as site:
        yield site


class _Person:
    """Records the questions, changes the site before the answer, and answers."""

    def __init__(self, answer: ElicitResult = ACCEPT, before_answer: Optional[Callable[[], object]] = None) -> None:
        self.questions: list[str] = []
        self._answer, self._before_answer = answer, before_answer

    def __call__(self, message: str) -> ElicitResult:
        self.questions.append(message)
        if self._before_answer is not None:
            self._before_answer()
        return self._answer


def _call(
    site: SimulatedSite, person: Optional[_Person], tool: str, /, *, options: Any = None, **arguments: Any
) -> Any:
    async def script(client: Client) -> Any:
        return await client.call_tool(tool, arguments)

    return run_client(site, script, allow_writes=True, allow=(tool,), answer=person, **(options or {}))


@pytest.mark.parametrize("mode", MODES)
def test_delete_preview_shows_names_and_folders(live: SimulatedSite, mode: str) -> None:
    person = _Person()
    done = _call(live, person, "hosts_delete", names=["host00001", "host00002"], options={"mode": mode})
    assert result_data(done)["result"] == {"deleted": 2}
    (question,) = person.questions
    lines = question.splitlines()
    assert lines[0] == "Permanently delete 2 hosts from the configuration of s."
    assert lines[1:] == ["in /: host00001, host00002"]
    assert set(live.state.configuration.hosts) == {"host00000"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("answer", NOT_AGREED, ids=lambda answer: f"{answer.action}-{answer.content}")
def test_nothing_is_done_without_an_approval(
    live: SimulatedSite, tmp_path: Path, mode: str, answer: ElicitResult
) -> None:
    log = tmp_path / "audit.log"
    options = {"mode": mode, "audit": log}
    refused = error_text(_call(live, _Person(answer), "hosts_delete", names=["host00001"], options=options))
    assert "Nothing was done" in refused
    assert "host00001" in live.state.configuration.hosts
    (line,) = log.read_text().splitlines()
    assert json.loads(line)["outcome"] == "not approved"


@pytest.mark.parametrize("mode", MODES)
def test_questions_expire(live: SimulatedSite, tmp_path: Path, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approval, "LIFETIME_S", 0.1)
    late = threading.Event()
    person = _Person(before_answer=lambda: late.wait(1.0))
    options = {"mode": mode, "audit": tmp_path / "audit.log"}
    assert "Nothing was done" in error_text(_call(live, person, "hosts_delete", names=["host00001"], options=options))
    assert "host00001" in live.state.configuration.hosts
    assert json.loads((tmp_path / "audit.log").read_text())["outcome"] == "not approved"


@pytest.mark.parametrize("mode", MODES)
def test_changes_while_a_person_decides_void_the_approval(live: SimulatedSite, mode: str) -> None:
    def moved() -> None:
        with live.client() as cmk:
            cmk.folders.ensure("/precious")
            cmk.hosts.move("host00001", "/precious")

    refused = _call(live, _Person(before_answer=moved), "hosts_delete", names=["host00001"], options={"mode": mode})
    assert "changed since the preview" in error_text(refused)
    assert "host00001" in live.state.configuration.hosts


@pytest.mark.parametrize("mode", MODES)
def test_activation_preview_names_users_and_new_changes_void_it(live: SimulatedSite, mode: str) -> None:
    live.add_user("mallory", "another-secret")
    with live.client() as cmk, live.client("mallory") as other:
        cmk.hosts.create("mine")
        other.hosts.create("theirs", attributes={"alias": "x\nApprove: already done"})
        person = _Person(before_answer=lambda: other.hosts.create("later"))
        refused = _call(live, person, "activate_changes", force_foreign=True, options={"mode": mode})
        assert "changed since the preview" in error_text(refused)
        assert "later" not in live.state.monitoring.hosts
    assert "Activate 2 pending changes on s (1 of automation, 1 of mallory)" in person.questions[0]
    assert "mallory: create-host" in person.questions[0]
    again = _Person()
    done = _call(live, again, "activate_changes", force_foreign=True, options={"mode": mode})
    assert result_data(done)["result"]["activated"] == 3
    assert "2 of mallory" in again.questions[0]


def test_folder_delete_preview_shows_its_content(live: SimulatedSite) -> None:
    with live.client() as cmk:
        cmk.folders.ensure("/a/b")
        cmk.hosts.move("host00001", "/a/b")
    person = _Person()
    result_data(_call(live, person, "folders_delete", path="/a", recursive=True))
    assert "with 1 folder and 1 host in it" in person.questions[0]
    assert "\nin /a/b: host00001" in person.questions[0]
    assert set(live.state.configuration.folders) == {"/"}


def test_discovery_needs_approval_only_to_remove_services(live: SimulatedSite) -> None:
    async def list_descriptions(client: Client) -> Any:
        return {tool.name: tool.description for tool in (await client.list_tools()).tools}

    descriptions = run_client(live, list_descriptions, allow_writes=True)
    assert "With remove_vanished, a person must approve" in descriptions["discover_services"]
    assert ". A person must approve" in descriptions["hosts_delete"]
    person = _Person()
    result_data(_call(live, person, "discover_services", hosts=["host00001"]))
    assert person.questions == []
    result_data(_call(live, person, "discover_services", hosts=["host00001"], remove_vanished=True))
    assert "remove vanished ones" in person.questions[0]


@pytest.mark.parametrize("mode", MODES)
def test_sync_applies_exactly_the_plan_it_showed(live: SimulatedSite, mode: str) -> None:
    inventory = {"hosts": [{"name": "s1", "folder": "/sync"}]}
    person = _Person()
    done = _call(live, person, "sync_apply", inventory=inventory, owner="me", options={"mode": mode})
    result = result_data(done)["result"]
    assert result["ok"] is True
    assert f"Checksum of the plan: {result['checksum']}" in person.questions[0]
    assert "Apply 2 changes to" in person.questions[0]
    assert "+ host s1: folder /sync" in person.questions[0]

    def gone() -> None:
        with live.client() as cmk:
            cmk.hosts.delete("s1")

    late = {"hosts": [{"name": "s2", "folder": "/sync"}]}
    refused = _call(live, _Person(before_answer=gone), "sync_apply", inventory=late, owner="me", options={"mode": mode})
    assert "changed since the preview" in error_text(refused)
    assert "s2" not in live.state.configuration.hosts


def test_a_client_that_cannot_ask_is_refused(live: SimulatedSite) -> None:
    refused = error_text(_call(live, None, "hosts_delete", names=["host00001"]))
    assert "--confirm-by-checksum" in refused
    assert "host00001" in live.state.configuration.hosts


def test_approval_by_checksum_takes_two_calls(live: SimulatedSite) -> None:
    options = {"confirm_by_checksum": True}

    async def script(client: Client) -> Any:
        async def delete(*names: str, **more: str) -> Any:
            return await client.call_tool("hosts_delete", {"names": list(names), **more})

        first = result_data(await delete("host00001"))
        assert first["done"] is False
        assert first["preview"][1] == "in /: host00001"
        assert "host00001" in live.state.configuration.hosts
        assert result_data(await delete("host00001", checksum=""))["done"] is False, "an empty checksum is not given"
        for wrong in ("0" * 16, "é"):
            assert "the checksum is unknown" in error_text(await delete("host00001", checksum=wrong))
        assert "changed since the preview" in error_text(await delete("host00002", checksum=first["checksum"]))
        assert len(live.state.configuration.hosts) == 3
        assert result_data(await delete("host00001", checksum=first["checksum"]))["done"] is True
        assert "already used" in error_text(await delete("host00002", checksum=first["checksum"]))

    run_client(live, script, allow_writes=True, **options)
    assert set(live.state.configuration.hosts) == {"host00000", "host00002"}


def test_neither_the_checksum_of_a_plan_nor_an_outdated_one_is_an_approval(live: SimulatedSite) -> None:
    arguments = {"inventory": {"hosts": [{"name": "s1"}]}}

    async def script(client: Client) -> Any:
        plan = result_data(await client.call_tool("sync_plan", arguments))["checksum"]
        mistaken = error_text(await client.call_tool("sync_apply", {**arguments, "checksum": plan}))
        shown = result_data(await client.call_tool("sync_apply", arguments))["checksum"]
        live.state.configuration.add_change("edit-rule", "Changed a rule.", "automation")
        return mistaken, error_text(await client.call_tool("sync_apply", {**arguments, "checksum": shown}))

    mistaken, late = run_client(live, script, allow_writes=True, confirm_by_checksum=True)
    assert "Call without checksum" in mistaken
    assert "changed since the preview" in late


def test_a_checksum_expires(live: SimulatedSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approval, "LIFETIME_S", 0.01)

    async def script(client: Client) -> Any:
        arguments = {"hosts": ["host00001"]}
        checksum = result_data(await client.call_tool("hosts_delete", arguments))["checksum"]
        await anyio.sleep(0.05)
        return error_text(await client.call_tool("hosts_delete", {**arguments, "checksum": checksum}))

    assert "older than ten minutes" in run_client(live, script, allow_writes=True, confirm_by_checksum=True)
    assert "host00001" in live.state.configuration.hosts


def test_a_scan_needs_a_new_approval_each_time(live: SimulatedSite) -> None:
    """A scan changes none of the facts in its preview, so an approval must be valid only once."""

    async def script(client: Client) -> Any:
        async def scan(**more: str) -> Any:
            return await client.call_tool(
                "discover_services", {"hosts": ["host00001"], "remove_vanished": True, **more}
            )

        checksum = result_data(await scan())["checksum"]
        assert result_data(await scan(checksum=checksum))["done"] is True
        return await scan(checksum=checksum)

    assert "Nothing was done" in error_text(run_client(live, script, allow_writes=True, confirm_by_checksum=True))


def test_a_client_that_can_ask_is_asked_even_if_checksums_are_allowed(live: SimulatedSite) -> None:
    person = _Person(ElicitResult(action="decline"))
    refused = _call(live, person, "hosts_delete", names=["host00001"], options={"confirm_by_checksum": True})
    assert "Nothing was done" in error_text(refused)
    assert len(person.questions) == 1


def test_an_approval_is_not_valid_for_another_call(live: SimulatedSite) -> None:
    """In the newer protocol, the client carries the fingerprint, which is sealed and bound to its call."""

    async def script(client: Client) -> Any:
        first = await client.session.call_tool("hosts_delete", {"names": ["host00001"]}, allow_input_required=True)
        answers = dict.fromkeys(first.input_requests, ACCEPT)
        with pytest.raises(MCPError, match="requestState"):
            await client.session.call_tool(
                "hosts_delete",
                {"names": ["host00002"]},
                input_responses=answers,
                request_state=first.request_state,
                allow_input_required=True,
            )

    run_client(live, script, allow_writes=True, answer=_Person())
    assert len(live.state.configuration.hosts) == 3

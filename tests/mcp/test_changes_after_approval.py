"""A write does only what was approved. Changes that appear between approval and write are refused."""

from __future__ import annotations

from typing import Any, Callable, Iterator, Optional

import pytest

pytest.importorskip("mcp", reason="needs the extra 'mcp' and Python 3.10")

from mcp import Client
from mcp_types import ElicitResult

from checkmk_sync.testing import SimulatedSite
from tests.mcp.in_process_client import MODES, error_text, result_data, run_client

PENDING = "/collections/pending_changes"
START = "/activate-changes/invoke"
# The write itself reads the pending changes last. Before that, they are read for the preview, which the newer protocol
# computes a second time when the answer arrives, and for the check right before the write.
LAST_LOOK = {"auto": 4, "legacy": 3}


@pytest.fixture
def live() -> Iterator[SimulatedSite]:
    with SimulatedSite(hosts=3, services=10) as site:
        yield site


class _Person:
    """Approves every question, and records it."""

    def __init__(self) -> None:
        self.questions: list[str] = []

    def __call__(self, message: str) -> ElicitResult:
        self.questions.append(message)
        return ElicitResult(action="accept", content={"approve": True})


def _call(
    site: SimulatedSite, person: Optional[_Person], tool: str, /, *, options: Any = None, **arguments: Any
) -> Any:
    async def script(client: Client) -> Any:
        return await client.call_tool(tool, arguments)

    return run_client(site, script, allow_writes=True, allow=(tool,), answer=person, **(options or {}))


def _before(site: SimulatedSite, part: str, number: int, do: Callable[[], object]) -> None:
    """Call ``do`` before the ``number``-th request with a path that ends with ``part``."""
    seen: list[str] = []

    def interfere(_method: str, path: str) -> None:
        if path.endswith(part):
            seen.append(path)
            if len(seen) == number:
                do()

    site.on_request(interfere)


def _sneak(site: SimulatedSite, user: str = "automation") -> Callable[[], object]:
    return lambda: site.state.configuration.add_change("delete-host", "Deleted host precious.", user)


@pytest.mark.parametrize("mode", MODES)
def test_changes_that_appear_after_nothing_was_pending_are_not_activated(live: SimulatedSite, mode: str) -> None:
    person = _Person()
    _before(live, PENDING, 2, _sneak(live))
    refused = error_text(_call(live, person, "activate_changes", options={"mode": mode}))
    assert "nothing was activated: 1 pending change was not approved" in refused
    assert "Deleted host precious" in refused
    assert person.questions == []
    assert len(live.state.configuration.changes) == 1


def test_without_anything_to_do_no_approval_is_needed(live: SimulatedSite) -> None:
    assert result_data(_call(live, None, "activate_changes"))["result"]["activated"] == 0
    assert "approval" in error_text(_call(live, None, "sync_apply", inventory={"hosts": [{"name": "new"}]}))
    wanted = {"folders": [{"path": "/a"}]}
    with live.client() as cmk:
        cmk.folders.ensure("/a")
        cmk.activation.activate()
    assert result_data(_call(live, None, "sync_apply", inventory=wanted))["result"]["ok"] is True


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("moment", [PENDING, START])
def test_an_activation_includes_no_change_that_was_not_shown(live: SimulatedSite, mode: str, moment: str) -> None:
    """A change can appear before the last check, or right after it."""
    live.state.configuration.add_change("create-host", "Created new host shown.", "automation")
    person = _Person()
    _before(live, moment, LAST_LOOK[mode] if moment == PENDING else 1, _sneak(live))
    refused = error_text(_call(live, person, "activate_changes", options={"mode": mode}))
    assert "nothing was activated" in refused
    assert "precious" not in person.questions[0]
    assert len(live.state.configuration.changes) == 2
    assert not any(request.path.endswith(START) and request.status < 400 for request in live.requests)


def test_a_forced_activation_includes_only_foreign_changes_that_were_shown(live: SimulatedSite) -> None:
    live.state.configuration.add_change("create-host", "Created new host shown.", "carol")
    _before(live, START, 1, _sneak(live, "mallory"))
    assert "mallory: delete-host" in error_text(_call(live, _Person(), "activate_changes", force_foreign=True))
    live.on_request(None)
    assert result_data(_call(live, _Person(), "activate_changes", force_foreign=True))["result"]["activated"] == 2


@pytest.mark.parametrize("mode", MODES)
def test_an_empty_plan_is_not_applied_after_the_site_changed(live: SimulatedSite, mode: str) -> None:
    """The site matches the inventory when it is read, but not right after that."""
    with live.client() as cmk:
        cmk.hosts.create("wanted", "/", {"alias": "as wanted"})
        cmk.discovery.bulk(["wanted"])
        cmk.activation.activate()
    person = _Person()

    def changed() -> None:
        live.state.configuration.hosts["wanted"].attributes["alias"] = "of somebody else"

    _before(live, "/collections/all", 3, changed)  # each plan reads the folders and the hosts
    inventory = {"hosts": [{"name": "wanted", "attributes": {"alias": "as wanted"}}]}
    result = _call(live, person, "sync_apply", inventory=inventory, options={"mode": mode})
    assert "not the reviewed" in error_text(result)
    assert person.questions == []
    assert live.state.configuration.hosts["wanted"].attributes["alias"] == "of somebody else"


@pytest.mark.parametrize("mode", MODES)
def test_a_plan_that_changed_after_it_was_shown_is_not_applied(live: SimulatedSite, mode: str) -> None:
    person = _Person()

    def changed() -> None:
        live.state.configuration.hosts["host00001"].attributes["alias"] = "of somebody else"

    _before(live, "/host_config/collections/all", LAST_LOOK[mode], changed)
    inventory = {"hosts": [{"name": "host00001", "attributes": {"alias": "wanted"}}]}
    refused = error_text(_call(live, person, "sync_apply", inventory=inventory, options={"mode": mode}))
    assert "not the reviewed" in refused
    assert len(person.questions) == 1
    assert live.state.configuration.hosts["host00001"].attributes["alias"] == "of somebody else"

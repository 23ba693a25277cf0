"""Downtimes, acknowledgements and comments by tools: a person approves exactly the objects that the preview shows."""

from __future__ import annotations

from typing import Any, Callable, Iterator

import pytest

pytest.importorskip("mcp", reason="needs the extra 'mcp' and Python 3.10")

from mcp import Client
from mcp_types import ElicitResult

from checkmk_sync import Checkmk, Target
from checkmk_sync.testing import SimulatedSite
from tests.mcp.in_process_client import error_text, result_data, run_client

HOSTS = [{"name": "web01", "state": 1, "groups": ["web"]}, {"name": "web02", "parents": ["web01"], "groups": ["web"]}]


@pytest.fixture
def site() -> Iterator[SimulatedSite]:
    with SimulatedSite() as site:
        site.seed_monitoring({"hosts": HOSTS, "services": [{"host_name": "web01", "description": "CPU", "state": 2}]})
        yield site


@pytest.fixture
def cmk(site: SimulatedSite) -> Iterator[Checkmk]:
    with site.client() as client:
        yield client


def _asked(
    site: SimulatedSite,
    tool: str,
    *,
    meanwhile: Callable[[], object] = lambda: None,
    approve: bool = True,
    **given: Any,
) -> tuple[str, Any]:
    """Return the question for a person, and the result of the call. ``meanwhile`` runs before the answer."""
    questions = []

    def person(message: str) -> ElicitResult:
        questions.append(message)
        meanwhile()
        return ElicitResult(action="accept", content={"approve": approve})

    async def script(client: Client) -> Any:
        return await client.call_tool(tool, given)

    result = run_client(site, script, allow_writes=True, answer=person)
    return "".join(questions), result


def test_a_downtime_needs_approval_of_all_objects(site: SimulatedSite, cmk: Checkmk) -> None:
    given: dict[str, Any] = {"objects": ["web01"], "end": "2h", "comment": "reboot", "include_children": True}
    question, result = _asked(site, "downtimes_create", approve=False, **given)
    assert question.startswith("Schedule a downtime from now to 20")
    assert question.endswith("for 2 objects.\nweb01\nweb02")
    assert "no person approved" in error_text(result)
    assert not list(cmk.downtimes.each())
    assert result_data(_asked(site, "downtimes_create", **given)[1]) == {"done": True, "result": {"created": 2}}
    question, result = _asked(site, "downtimes_modify", id="2", extend="30m")
    assert question.startswith("Change (extend: 30m) 1 downtime.\nweb02 #2 on s, by automation: reboot (20")
    assert result_data(result)["result"] == {"modified": 1}
    question, result = _asked(site, "downtimes_delete", host_group="web")
    assert "web02 #2 on s, by automation: reboot (20" in question
    assert result_data(result)["result"] == {"deleted": 2}


def test_an_approval_is_void_if_other_objects_would_be_changed(site: SimulatedSite, cmk: Checkmk) -> None:
    def change() -> None:
        site.seed_monitoring({"hosts": [{**HOSTS[0]}, {**HOSTS[1], "state": 1}], "services": []})

    question, result = _asked(site, "acknowledge", meanwhile=change, host_group="web", comment="c")
    assert "web01\nnothing to do for: web02" in question
    assert "the site have changed since the preview" in error_text(result)
    assert not list(cmk.acknowledgements.each())


def test_problems_are_acknowledged_and_their_comments_deleted(site: SimulatedSite, cmk: Checkmk) -> None:
    _, result = _asked(site, "acknowledge", objects=["web01", "web01/CPU"], comment="ticket")
    assert result_data(result)["result"] == {"acknowledged": 2}
    _, result = _asked(site, "comments_create", service_query={"op": "=", "left": "state", "right": "2"}, comment="x")
    assert result_data(result)["result"] == {"created": 1}
    question, result = _asked(site, "unacknowledge", objects=["web01", "web02", "web01/CPU"])
    assert question == "Remove the acknowledgements of 2 objects.\nweb01\nweb01: CPU\nnothing to do for: web02"
    assert result_data(result)["result"] == {"unacknowledged": 2}
    assert not list(cmk.acknowledgements.each())
    _, result = _asked(site, "comments_delete", objects=["web01/CPU"])
    assert result_data(result)["result"] == {"deleted": 1}
    assert not list(cmk.comments.each(Target.services("web01")))

"""Results have a limited size, and nothing is lost between two pages."""

from __future__ import annotations

import json
from typing import Any, Iterator

import pytest

pytest.importorskip("mcp", reason="needs the extra 'mcp' and Python 3.10")

from mcp import Client

from checkmk_sync.mcp.results import MAX_RESULT
from checkmk_sync.testing import SimulatedSite
from tests.mcp.in_process_client import result_data, run_client

SERVICES = 150
LARGE = {f"custom_{number:03d}": f"{number}" + "x" * 1900 for number in range(300)}


@pytest.fixture(scope="module")
def wordy() -> Iterator[SimulatedSite]:
    """A site with long plugin outputs, and one host with very many attributes."""
    with SimulatedSite() as site:
        services = [
            {"host_name": "h", "description": f"s{number:03d}", "state": 2, "plugin_output": '"y\u00e9' * 1000}
            for number in range(SERVICES)
        ]
        site.seed_monitoring({"hosts": [{"name": "h"}], "services": services})
        with site.client() as cmk:
            cmk.hosts.create("large")
        site.state.configuration.hosts["large"].attributes.update(LARGE)
        yield site


def _size(result: Any) -> int:
    return len(json.dumps(result.structured_content, ensure_ascii=False))


@pytest.mark.parametrize("tool", ["services_list", "problems"])
def test_a_page_ends_at_the_size_limit_and_the_next_continues(wordy: SimulatedSite, tool: str) -> None:
    async def script(client: Client) -> Any:
        pages, cursor = [], None
        while not pages or cursor is not None:
            result = await client.call_tool(tool, {"limit": 200, "cursor": cursor})
            assert _size(result) < MAX_RESULT + 1000
            assert len(result.content[0].text) < MAX_RESULT + 2000
            pages.append(result_data(result))
            cursor = pages[-1]["next_cursor"]
        return pages

    pages = run_client(wordy, script)
    names = [item["service"] for page in pages for item in page["items"]]
    assert sorted(names) == [f"s{number:03d}" for number in range(SERVICES)]
    assert len(pages) > 1
    assert all(page["count"] == len(page["items"]) for page in pages)
    assert pages[0]["total"] == SERVICES  # all were read, although not all are shown


def test_resources_have_the_same_size_limit(wordy: SimulatedSite) -> None:
    async def script(client: Client) -> Any:
        first, second = None, None
        (result,) = (await client.read_resource("checkmk://stream/services?batch_size=200")).contents
        first = json.loads(result.text.split("\n")[2])
        uri = f"checkmk://stream/services?batch_size=200&cursor={first['next_cursor']}"
        (following,) = (await client.read_resource(uri)).contents
        second = json.loads(following.text.split("\n")[2])
        return len(result.text), first, second

    size, first, second = run_client(wordy, script)
    assert size < MAX_RESULT + 2000
    assert second["items"][0]["service"] == f"s{first['count']:03d}"


def test_a_large_object_is_shortened_and_says_so(wordy: SimulatedSite) -> None:
    async def script(client: Client) -> Any:
        return await client.call_tool("hosts_get", {"name": "large"})

    result = run_client(wordy, script)
    assert _size(result) <= MAX_RESULT
    result = result_data(result)
    assert result["name"] == "large"
    assert result["shortened"].startswith("the answer has ")
    assert 0 < len(result["attributes"]) <= len(LARGE)

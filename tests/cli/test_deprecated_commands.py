"""Deprecated commands still work, with a warning, and commands with more abilities keep the results of 0.1.0."""

from __future__ import annotations

import pytest

from checkmk_sync.testing import SimulatedSite
from tests.conftest import Run


@pytest.mark.parametrize(
    ("words", "states"), [("hosts problems", ("DOWN", "UNREACHABLE")), ("services problems", ("CRITICAL", "WARNING"))]
)
def test_a_deprecated_list_names_its_replacement_and_shows_the_worst_first(
    site_for_cli: SimulatedSite, sync: Run, words: str, states: tuple[str, str]
) -> None:
    hosts = [{"name": "a", "state": 2}, {"name": "b", "state": 1}, {"name": "c", "state": 0}]
    services = [{"host_name": "c", "description": f"s{state}", "state": state} for state in range(4)]
    site_for_cli.seed_monitoring({"hosts": hosts, "services": services})
    found = sync(*words.split(), "--json")
    assert found.err == f"Warning: '{words}' is deprecated; use 'problems'\n"
    shown = [row["state"] for row in found.data]
    assert shown == sorted(shown, key=["DOWN", "UNREACHABLE", "CRITICAL", "UNKNOWN", "WARNING"].index)
    assert {*states} <= {*shown}
    assert sync(*words.split(), "--search", "no such name", "--json").data == []


def test_the_result_of_a_move_of_one_host_contains_the_host(site_for_cli: SimulatedSite, sync: Run) -> None:
    assert sync("folders", "create", "/archive").code == 0
    moved = sync("hosts", "move", "host00000", "/archive", "--json").data
    assert {"name": "host00000", "folder": "/archive", "moved": 1, "outcome": "applied"}.items() <= moved.items()
    assert sync("hosts", "move", "nope", "/archive").code == 2

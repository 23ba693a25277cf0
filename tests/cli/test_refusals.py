"""A refused ``apply`` shows the plan, and names the option that permits it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from checkmk_sync.testing import SimulatedSite
from tests.conftest import Run


@pytest.fixture
def fleet(tmp_path: Path) -> str:
    path = tmp_path / "fleet.csv"
    path.write_text("name,alias\n" + "".join(f"n{number},old\n" for number in range(12)))
    return str(path)


def _change_aliases(fleet: str) -> str:
    path = Path(fleet)
    path.write_text(path.read_text().replace("old", "new"))
    return fleet


def test_an_exceeded_limit_shows_the_plan_and_its_option(site_for_cli: SimulatedSite, sync: Run, fleet: str) -> None:
    assert sync("apply", fleet, "--owner", "me", "--yes").code == 0
    refused = sync("apply", _change_aliases(fleet), "--owner", "me", "--yes")
    assert refused.code == 2
    assert "~ host n0: alias old -> new" in refused.out
    assert refused.err.endswith("give --allow-changes 12\n")
    assert sync("apply", fleet, "--owner", "me", "--yes", "--json").out == "", "JSON is a report or nothing"
    assert sync("apply", fleet, "--owner", "me", "--yes", "--allow-changes", "12").code == 0


def test_a_refusal_is_printed_once_and_names_only_options(site_for_cli: SimulatedSite, sync: Run, fleet: str) -> None:
    assert sync("apply", fleet, "--owner", "me", "--yes").code == 0
    why = "the plan changes 12 of 12 existing objects and deletes nothing: at most 30 % of 12 existing objects"
    hint = "if this is intended, give --allow-changes 12"
    refused = sync("apply", _change_aliases(fleet), "--owner", "me", "--yes")
    assert (refused.out + refused.err).count(why) == 1
    assert refused.err.startswith(f"Error: {why}") and refused.err.endswith(f"; {hint}\n")
    for form in ([], ["--markdown"]):
        planned = sync("plan", fleet, "--owner", "me", *form).out
        assert "Apply is refused: " in planned and hint in planned
        assert "Python" not in planned
    assert sync("plan", fleet, "--adopt").err == "Error: adopt needs an owner; give --owner NAME\n"


@pytest.mark.parametrize("form", [[], ["--markdown"]], ids=["text", "markdown"])
def test_values_that_look_like_a_hint_for_python_hide_nothing(
    site_for_cli: SimulatedSite, sync: Run, tmp_path: Path, form: list[str]
) -> None:
    aliases = {"a": "x (y=2", "b": "between", "c": "z in Python)", "d": "w (allow_changes=1 in Python)"}
    hosts = [{"name": name, "attributes": {"alias": alias}} for name, alias in aliases.items()]
    inventory = tmp_path / "fleet.json"
    inventory.write_text(json.dumps({"hosts": hosts}))
    planned = sync("plan", str(inventory), *form).out
    assert [alias for alias in aliases.values() if alias not in planned] == []


def test_a_forgotten_owner_is_suggested(site_for_cli: SimulatedSite, sync: Run, fleet: str) -> None:
    assert sync("apply", fleet, "--owner", "the cmdb", "--yes").code == 0
    refused = sync("apply", fleet, "--yes")
    assert refused.code == 2
    assert "did you forget --owner 'the cmdb'?" in refused.err
    assert "! host n0 (" in refused.out
    assert "did you forget --owner 'the cmdb'?" in sync("plan", fleet).out


def test_conflicts_name_the_line_and_the_option(site_for_cli: SimulatedSite, sync: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name\nhost00000\n")
    refused = sync("apply", str(path), "--owner", "me", "--yes")
    assert f"host host00000 ({path}:2) already exists" in refused.err
    assert "--adopt" in refused.err
    assert "--adopt" in sync("plan", str(path), "--owner", "me").out
    site_for_cli.state.configuration.hosts["host00000"].attributes["labels"] = {"checkmk_sync/owner": "them"}
    theirs = sync("apply", str(path), "--owner", "me", "--yes")
    assert "remove it from the inventory" in theirs.err
    assert "--adopt" not in theirs.err


def test_pending_changes_of_others_are_announced(site_for_cli: SimulatedSite, sync: Run, fleet: str) -> None:
    site_for_cli.add_user("carol", "carols-secret")
    with site_for_cli.client(username="carol") as hers:
        hers.hosts.create("hers")
    message = "1 pending change of other users; apply needs --force-foreign, unless they are activated first"
    assert message in sync("plan", fleet, "--owner", "me").out
    failed = sync("apply", fleet, "--owner", "me", "--yes")
    assert failed.code == 1
    assert "activation failed" in failed.out
    assert "or use --force-foreign (needs" in failed.out
    assert "force_foreign_changes" not in failed.out
    alone = sync("activate")
    assert (alone.code, "or use --force-foreign (needs" in alone.err) == (2, True)
    assert sync("apply", fleet, "--owner", "me", "--yes", "--force-foreign").code == 0

"""The collection in ``examples/ansible`` runs under ``ansible-playbook``, against simulated sites."""

from __future__ import annotations

import json
import venv
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml

from checkmk_sync.testing import SimulatedSite
from tests.conftest import variables_of
from tests.examples.conftest import COLLECTION, Play, Run, file_of_the_guide, run_ansible

pytestmark = pytest.mark.slow

pytest.importorskip("ansible", reason="ansible-core is not installed; it needs Python 3.11 or later")

SECRETS = {"PASSWORD_OF_JANE": "Jane-and-nobody-else", "SNMP_COMMUNITY": "community-of-the-switch"}


class Example:
    """Three runs of the example playbook on one site: in check mode, for real, and for real again."""

    def __init__(self, home: Path, site: SimulatedSite) -> None:
        self.site = site
        site.state.configuration.add_host("old01", "/", {}, user="cmkadmin")
        site.state.configuration.changes.clear()
        self.runs: list[Run] = []
        self.counts = [self._counts()]
        self.methods: list[set[str]] = []
        folder = home / "ansible_collections" / "example" / "checkmk" / "playbooks"
        command = ("playbook", str(folder / "site.yml"), "-i", str(folder / "inventory.yml"), "--diff", "-vvvv")
        for options in (["--check"], [], []):
            answered = len(site.requests)
            self.runs.append(run_ansible(home, *command, *options, **variables_of(site), **SECRETS))
            self.counts.append(self._counts())
            self.methods.append({request.method for request in site.requests[answered:]})

    def _counts(self) -> dict[str, Any]:
        return {**self.site.counts(), "requests": 0}


@pytest.fixture(scope="module")
def example(home: Path) -> Iterator[Example]:
    with SimulatedSite() as site:
        yield Example(home, site)


def test_the_example_describes_the_monitoring(example: Example) -> None:
    run = example.runs[1]
    assert run.code == 0, run.output
    assert run.changed == dict.fromkeys(run.results, True)
    counts = example.counts[2]
    assert (counts["hosts"], counts["monitored_hosts"], counts["pending_changes"]) == (4, 4, 0)
    host = example.site.state.configuration.hosts["switch01"]
    assert host.attributes["snmp_community"]["community"] == SECRETS["SNMP_COMMUNITY"]


def test_check_mode_reports_the_same_changes_and_makes_none(example: Example) -> None:
    assert example.runs[0].code == 0, example.runs[0].output
    assert example.runs[0].changed == example.runs[1].changed
    assert example.counts[0] == example.counts[1]
    assert example.methods[0] == {"GET"}


def test_the_second_run_of_the_example_changes_nothing(example: Example) -> None:
    run = example.runs[2]
    assert run.code == 0, run.output
    assert run.changed == dict.fromkeys(run.results, False)
    assert "Activate changes" not in run.results
    assert example.counts[2] == example.counts[3]
    assert example.methods[2] == {"GET"}


def test_one_activation_ends_a_run(example: Example) -> None:
    activations = [request for request in example.site.requests if "activate-changes" in request.path]
    assert len(activations) == 1


def test_no_output_contains_a_secret(example: Example) -> None:
    for secret in (*SECRETS.values(), example.site.password):
        assert not any(secret in run.output for run in example.runs)
        assert all("VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in run.output for run in example.runs)


def test_a_diff_shows_the_values_before_and_after(play: Play, own_site: SimulatedSite) -> None:
    own_site.state.configuration.add_host("web01", "/", {"alias": "Old", "ipaddress": "192.0.2.1"}, user="cmkadmin")
    community = {"type": "v1_v2_community", "community": "geheim"}
    run = play("--diff", "--check", host={"name": "web01", "attributes": {"alias": "New", "snmp_community": community}})
    assert run.results["host"]["diff"] == {
        "before_header": "host web01",
        "after_header": "host web01",
        "before": {"alias": "Old"},
        "after": {"alias": "New", "snmp_community": "***"},
    }
    assert '-    "alias": "Old"' in run.output
    assert '+    "alias": "New"' in run.output


def test_a_write_with_an_unknown_outcome_fails_and_says_so(play: Play, own_site: SimulatedSite) -> None:
    own_site.set_faults(
        [
            {"kind": "reset_after", "method": "POST", "path": "host_config"},
            {"kind": "status", "method": "GET", "path": "objects/host_config", "skip": 1},
        ]
    )
    result = play(host={"name": "web01", "settings": {"timeouts": {"settle_s": 1}}}).results["host"]
    assert (result["failed"], result["outcome"]) == (True, "unknown")
    assert result["msg"].startswith("the site may or may not have applied the change: ")
    assert own_site.counts()["hosts"] == 1
    own_site.set_faults([])
    assert play(host={"name": "web01"}).changed == {"host": False}


def test_an_activation_reports_the_changes_of_other_users(play: Play, own_site: SimulatedSite) -> None:
    own_site.state.configuration.add_host("theirs", "/", {}, user="cmkadmin")
    checked = play("--check", activation={}).results["activation"]
    assert (checked["changed"], checked["failed"]) == (True, False)
    (foreign,) = checked["foreign"]
    assert foreign.startswith("cmkadmin: ")
    run = play(activation_1={}, activation_2={"force_foreign_changes": True}, activation_3={})
    refused, forced, nothing = run.results.values()
    assert (refused["failed"], refused["error"]["error"]) == (True, "ForbiddenError")
    assert "1 of 1 pending changes are from other users: cmkadmin: " in run.output
    assert (forced["changed"], forced["activated"], forced["foreign"]) == (True, [foreign], [foreign])
    assert (nothing["changed"], nothing["activated"], nothing["foreign"]) == (False, [], [])


def test_a_failing_task_does_not_leave_changes_inactive(home: Path, own_site: SimulatedSite) -> None:
    """The handlers of the example run even then, because no later run would notify them."""
    (example,) = yaml.safe_load((COLLECTION / "playbooks" / "site.yml").read_text("utf-8"))
    folders, *_ = example["tasks"]
    failing = {"name": "Fails", "example.checkmk.host": {"name": "web01", "folder": "/missing"}}
    (home / "play.yml").write_text(json.dumps([{**example, "tasks": [folders, failing]}]), encoding="utf-8")
    run = run_ansible(home, "playbook", "play.yml", **variables_of(own_site))
    assert run.code == 2
    assert run.changed == {"Folders exist": True, "Fails": False, "Activate changes": True}
    assert own_site.counts()["pending_changes"] == 0


def test_the_defaults_of_the_group_apply_to_all_modules(home: Path, own_site: SimulatedSite) -> None:
    secret = home / "secret.txt"
    secret.write_text(own_site.password, encoding="utf-8")
    secret.chmod(0o644)
    login = {"server_url": own_site.url, "site": own_site.site, "automation_user": own_site.username}
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "module_defaults": {"group/example.checkmk.all": {**login, "automation_secret_file": str(secret)}},
        "tasks": [
            {"name": "host", "example.checkmk.host": {"name": "web01"}},
            {"name": "activation", "example.checkmk.activation": {}},
        ],
    }
    (home / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
    run = run_ansible(home, "playbook", "play.yml")
    assert run.changed == {"host": True, "activation": True}, run.output
    assert "secret.txt contains a password and others may read it" in run.output


def test_a_missing_library_is_named(play: Play, tmp_path: Path) -> None:
    venv.create(tmp_path / "empty")
    python = str(tmp_path / "empty" / "bin" / "python")
    run = play("-e", f"ansible_python_interpreter={python}", variables={"PYTHONPATH": ""}, host={"name": "web01"})
    assert run.results["host"]["failed"]
    assert "Failed to import the required Python library (checkmk_sync)" in run.results["host"]["msg"]
    assert python in run.results["host"]["msg"]


@pytest.mark.parametrize("version", ["2.2.0p44", "2.3.0p41", "2.4.0p18", "2.5.0p9"])
def test_the_playbook_of_the_guide_runs_on_all_versions(home: Path, version: str) -> None:
    (home / "monitoring.yml").write_text(file_of_the_guide("monitoring.yml"), encoding="utf-8")
    with SimulatedSite(version) as site:
        variables = {**variables_of(site), "VAULT_SNMP": SECRETS["SNMP_COMMUNITY"]}
        first, second = (run_ansible(home, "playbook", "monitoring.yml", **variables) for _ in range(2))
        assert (first.code, set(first.changed.values())) == (0, {True}), first.output
        assert (second.code, set(second.changed.values())) == (0, {False}), second.output
        assert site.counts()["pending_changes"] == 0

"""The collection in ``examples/ansible`` runs under ``ansible-playbook``, against simulated sites."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, Optional

import pytest
import yaml

from checkmk_sync.testing import SimulatedSite
from tests.conftest import ROOT, variables_of

pytestmark = pytest.mark.slow

pytest.importorskip("ansible", reason="ansible-core is not installed; it needs Python 3.11 or later")

COLLECTION = ROOT / "examples" / "ansible"
MODULES = ("activation", "folder", "host", "rule", "user")
SECRETS = {"PASSWORD_OF_JANE": "Jane-and-nobody-else", "SNMP_COMMUNITY": "community-of-the-switch"}
FILESYSTEM = "checkgroup_parameters:filesystem"


class Run:
    """A finished command, and the results of its tasks by their names. A later result of a task replaces the former."""

    def __init__(self, code: int, output: str, results: Mapping[str, Any]) -> None:
        self.code, self.output, self.results = code, output, results

    @property
    def changed(self) -> dict[str, bool]:
        return {name: result["changed"] for name, result in self.results.items()}


Play = Callable[..., Run]


def _ansible(home: Path, *arguments: str, **variables: str) -> Run:
    """Run a command of Ansible with the folder ``home``, in which the collection is installed."""
    results = home / "results.jsonl"
    results.unlink(missing_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    own = {
        "ANSIBLE_HOME": str(home),
        "ANSIBLE_COLLECTIONS_PATH": str(home),
        "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callbacks"),
        "ANSIBLE_CALLBACKS_ENABLED": "results",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
        "RESULTS_FILE": str(results),
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C.UTF-8",
    }
    command = [sys.executable, "-m", "ansible", *arguments]
    done = subprocess.run(
        command, cwd=home, env={**kept, **own, **variables}, capture_output=True, text=True, timeout=300
    )
    lines = results.read_text("utf-8").splitlines() if results.exists() else []
    return Run(done.returncode, done.stdout + done.stderr, {line["task"]: line for line in map(json.loads, lines)})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which ``ansible-galaxy`` has installed the collection."""
    folder = tmp_path_factory.mktemp("ansible")
    done = _ansible(folder, "galaxy", "collection", "install", str(COLLECTION), "-p", str(folder), "--offline")
    assert done.code == 0, done.output
    return folder


@pytest.fixture
def own_site() -> Iterator[SimulatedSite]:
    with SimulatedSite() as site:
        yield site


@pytest.fixture
def play(home: Path, own_site: SimulatedSite) -> Play:
    """Return ``play(*options, module={…}, …)``, which runs one task for each keyword."""

    def run(*options: str, variables: Optional[Mapping[str, str]] = None, **tasks: Mapping[str, Any]) -> Run:
        entries = [
            {"name": name, f"example.checkmk.{name.partition('_')[0]}": dict(arguments), "ignore_errors": True}
            for name, arguments in tasks.items()
        ]
        play = {"hosts": "localhost", "gather_facts": False, "tasks": entries}
        (home / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
        return _ansible(home, "playbook", "play.yml", *options, **variables_of(own_site), **(variables or {}))

    return run


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
            self.runs.append(_ansible(home, *command, *options, **variables_of(site), **SECRETS))
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
        "after": {"alias": "New", "snmp_community": {"type": "v1_v2_community", "community": "***"}},
    }
    assert '-    "alias": "Old"' in run.output
    assert '+    "alias": "New"' in run.output


@pytest.mark.parametrize("options", [["--check"], []])
def test_objects_are_deleted_once(play: Play, own_site: SimulatedSite, options: list[str]) -> None:
    with own_site.client() as cmk:
        cmk.folders.create("/old")
        cmk.hosts.create("web01", "/old")
        cmk.users.create("jdoe", fullname="Jane Doe")
        rule = cmk.rules.create(ruleset=FILESYSTEM, folder="/", value={"levels": (80.0, 90.0)}, description="Old")
    tasks: dict[str, Mapping[str, Any]] = {
        "host": {"name": "web01", "state": "absent"},
        "folder": {"path": "/old", "state": "absent"},
        "rule": {"ruleset": FILESYSTEM, "description": "Old", "state": "absent"},
        "user": {"name": "jdoe", "state": "absent"},
    }
    run = play(*options, **tasks)
    assert run.changed == dict.fromkeys(tasks, True), run.output
    assert run.results["rule"]["id"] == rule.id
    assert all(result["actions"] == ["delete"] for result in run.results.values())
    assert own_site.counts()["hosts"] == (1 if options else 0)
    if not options:
        assert play(**tasks).changed == dict.fromkeys(tasks, False)


def test_a_rule_with_another_value_is_changed(play: Play, own_site: SimulatedSite) -> None:
    task = {"ruleset": FILESYSTEM, "description": "Levels", "value_raw": "{'levels': (80.0, 90.0)}"}
    other = {"ruleset": FILESYSTEM, "description": "Levels", "value": {"levels": [70.0, 90.0]}}
    run = play(rule_1=task, rule_2=task, rule_3=other)
    assert run.changed == {"rule_1": True, "rule_2": False, "rule_3": True}, run.output
    with own_site.client() as cmk:
        (rule,) = cmk.rules.each(ruleset=FILESYSTEM)
        assert (rule.id, rule.value) == (run.results["rule_1"]["id"], {"levels": [70.0, 90.0]})
        cmk.rules.create(ruleset=FILESYSTEM, folder="/", value={}, description="Levels")
    failed = play(rule=task).results["rule"]
    assert failed["failed"]
    assert f"occurs 2 times, as {rule.id} and " in failed["msg"]


def test_a_password_is_sent_again_only_on_demand(play: Play, own_site: SimulatedSite) -> None:
    task = {"name": "jdoe", "fullname": "Jane", "password": "first-password"}
    other = {**task, "password": "other-password"}
    run = play(user_1=task, user_2=other, user_3={**other, "update_password": "always"})
    assert run.changed == {"user_1": True, "user_2": False, "user_3": True}, run.output


def test_errors_say_what_is_wrong(play: Play) -> None:
    run = play(
        host_1={"name": "web01", "folder": "/missing"},
        host_2={"name": "web01", "attributes": {"alias": "secret:NAME"}},
        host_3={"name": "web01", "automation_secret": "wrong-secret"},
        host_4={"name": "web01", "server_url": "mon.example.com"},
        host_5={"name": "web01", "automation_secret_file": "/etc/secret"},
        rule_1={"ruleset": f"{FILESYSTEM}s", "description": "Levels", "value": 1},
        rule_2={"ruleset": FILESYSTEM, "description": "Levels", "value_raw": "{"},
        user_1={"name": "jdoe"},
    )
    assert {name: result["msg"].partition(" (")[0] for name, result in run.results.items()} == {
        "host_1": "400 Bad Request: folder: The folder '/missing' could not be found.",
        "host_2": "unknown secret 'NAME'; add it to the option secrets",
        "host_3": "401 Unauthorized: Wrong credentials",
        "host_4": "'mon.example.com' is not a server URL such as https://monitoring.example.com",
        "host_5": "give either automation_secret or automation_secret_file",
        "rule_1": f"unknown ruleset '{FILESYSTEM}s'; did you mean '{FILESYSTEM}'?",
        "rule_2": "value_raw must be a Python literal, such as {'levels':",
        "user_1": "a user needs fullname",
    }
    assert {result["outcome"] for result in run.results.values()} == {"not applied"}
    assert run.results["host_1"]["error"]["error"] == "BadRequestError"
    assert "Traceback" not in run.output


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
    assert (refused["failed"], refused["error"]["status"]) == (True, 403)
    assert "1 of 1 pending changes are from other users: cmkadmin: " in run.output
    assert (forced["changed"], forced["activated"], forced["foreign"]) == (True, [foreign], [foreign])
    assert (nothing["changed"], nothing["activated"], nothing["foreign"]) == (False, [], [])


def test_a_failing_task_does_not_leave_changes_inactive(home: Path, own_site: SimulatedSite) -> None:
    """The handlers of the example run even then, because no later run would notify them."""
    (example,) = yaml.safe_load((COLLECTION / "playbooks" / "site.yml").read_text("utf-8"))
    folders, *_ = example["tasks"]
    failing = {"name": "Fails", "example.checkmk.host": {"name": "web01", "folder": "/missing"}}
    (home / "play.yml").write_text(json.dumps([{**example, "tasks": [folders, failing]}]), encoding="utf-8")
    run = _ansible(home, "playbook", "play.yml", **variables_of(own_site))
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
        "tasks": [{"example.checkmk.host": {"name": "web01"}}, {"example.checkmk.activation": {}}],
    }
    (home / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
    run = _ansible(home, "playbook", "play.yml")
    assert list(run.changed.values()) == [True, True], run.output
    assert "secret.txt can be read by other users" in " ".join(run.output.split())


def test_a_missing_library_is_named(play: Play, tmp_path: Path) -> None:
    venv.create(tmp_path / "empty")
    python = str(tmp_path / "empty" / "bin" / "python")
    run = play("-e", f"ansible_python_interpreter={python}", variables={"PYTHONPATH": ""}, host={"name": "web01"})
    assert run.results["host"]["failed"]
    assert "Failed to import the required Python library (checkmk_sync)" in run.results["host"]["msg"]
    assert python in run.results["host"]["msg"]


def test_the_documentation_matches_the_options(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(home))
    names = [f"example.checkmk.{name}" for name in MODULES]
    done = _ansible(home, "doc", "--json", *names)
    documented = json.loads(done.output)
    assert list(documented) == names
    plugins = "ansible_collections.example.checkmk.plugins"
    connection = importlib.import_module(f"{plugins}.module_utils.checkmk").CONNECTION
    for name in MODULES:
        arguments = {**connection, **importlib.import_module(f"{plugins}.modules.{name}").ARGUMENTS}
        page = documented[f"example.checkmk.{name}"]
        assert _facts(page["doc"]["options"]) == _facts(arguments)
        assert page["return"]
        assert [play for play in yaml.safe_load(page["examples"]) if play]


def _facts(options: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {
            "type": option.get("type", "str"),
            "options": _facts(option.get("options") or option.get("suboptions") or {}),
            **{fact: option.get(fact) for fact in ("choices", "default", "elements")},
            "required": bool(option.get("required")),
        }
        for name, option in options.items()
    }

"""Fixtures that install the collection of ``examples/ansible``, and run its modules and playbooks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, Optional

import pytest

from checkmk_sync.testing import SimulatedSite
from tests.conftest import ROOT, variables_of

COLLECTION = ROOT / "examples" / "ansible"


class Run:
    """A finished command, and the results of its tasks by their names. A later result of a task replaces the former."""

    def __init__(self, code: int, output: str, results: Mapping[str, Any]) -> None:
        self.code, self.output, self.results = code, output, results

    @property
    def changed(self) -> dict[str, bool]:
        return {name: result["changed"] for name, result in self.results.items()}


Play = Callable[..., Run]


def run_ansible(home: Path, *arguments: str, **variables: str) -> Run:
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


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which ``ansible-galaxy`` has installed the collection."""
    folder = tmp_path_factory.mktemp("ansible")
    done = run_ansible(folder, "galaxy", "collection", "install", str(COLLECTION), "-p", str(folder), "--offline")
    assert done.code == 0, done.output
    return folder


@pytest.fixture
def own_site() -> Iterator[SimulatedSite]:
    with SimulatedSite() as site:
        yield site


@pytest.fixture
def play(home: Path, own_site: SimulatedSite) -> Play:
    """Return ``play(*options, module={…}, …)``, which runs a playbook with one task for each keyword."""

    def run(*options: str, variables: Optional[Mapping[str, str]] = None, **tasks: Mapping[str, Any]) -> Run:
        entries = [
            {"name": name, f"example.checkmk.{name.partition('_')[0]}": dict(arguments), "ignore_errors": True}
            for name, arguments in tasks.items()
        ]
        playbook = [{"hosts": "localhost", "gather_facts": False, "tasks": entries}]
        (home / "play.yml").write_text(json.dumps(playbook), encoding="utf-8")
        return run_ansible(home, "playbook", "play.yml", *options, **variables_of(own_site), **(variables or {}))

    return run


Call = Callable[..., dict[str, Any]]


@pytest.fixture
def call(home: Path, own_site: SimulatedSite) -> Call:
    """Return ``call(module, check=False, **arguments)``, which runs a module without a playbook, as Ansible does.

    The only output of the module must be its result, as JSON.
    """

    def run(module: str, /, check: bool = False, **arguments: Any) -> dict[str, Any]:
        command = [sys.executable, "-m", f"ansible_collections.example.checkmk.plugins.modules.{module}"]
        path = {"PYTHONPATH": f"{home}{os.pathsep}{ROOT}"}
        given = json.dumps({"ANSIBLE_MODULE_ARGS": {**arguments, "_ansible_check_mode": check}})
        environment = {**os.environ, **variables_of(own_site), **path}
        done = subprocess.run(command, input=given, env=environment, capture_output=True, text=True, timeout=60)
        assert done.stderr == ""
        result: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == result.get("failed", False)
        return result

    return run


def file_of_the_guide(name: str) -> str:
    """Return the text of a file on the page docs/ansible.md."""
    page = (ROOT / "docs" / "ansible.md").read_text("utf-8")
    return page.partition(f"<!-- file: {name} -->\n")[2].split("```")[1].partition("\n")[2]

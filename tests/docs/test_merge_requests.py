"""The examples for merge requests are valid, and their commands run in the order of the jobs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml

from checkmk_sync.config.file import REQUIRED_VARIABLES
from checkmk_sync.testing import SimulatedSite
from tests.conftest import ROOT, Run

BLOCK = re.compile(r"<!-- file: (\S+) -->\n```yaml\n(.*?)```", re.DOTALL)
FILES = dict(BLOCK.findall((ROOT / "docs/merge-requests.md").read_text("utf-8")))
SECRET = {"CHECKMK_PASSWORD"}


def _jobs(file: str) -> tuple[dict[str, Any], Iterator[tuple[str, str]]]:
    """Return the variables of a pipeline, and the lines of its scripts with the names of their jobs."""
    data = yaml.safe_load(FILES[file])
    if file == "github.yml":
        steps = ((name, step) for name, job in data["jobs"].items() for step in job["steps"])
        return data["env"], ((name, step["run"]) for name, step in steps if "run" in step)
    jobs = {name: data[name] for name in ("plan", "apply")}
    return data["variables"], (
        (name, line) for name, job in jobs.items() for line in (*job["script"], *job.get("after_script", ()))
    )


@pytest.mark.every_case
@pytest.mark.parametrize("file", ["github.yml", "gitlab.yml"])
def test_the_commands_of_a_pipeline_apply_the_reviewed_plan(
    file: str, site_for_cli: SimulatedSite, sync: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hosts.yaml").write_text(FILES["hosts.yaml"])
    variables, lines = _jobs(file)
    assert set(variables) | SECRET >= set(REQUIRED_VARIABLES)
    ran = []
    for job, line in lines:
        command, _, target = line.partition(" > ")
        if command.startswith("checkmk-sync "):
            result = sync(*shlex.split(command)[1:])
            assert result.code == 0, result.err
            ran.append(job)
            if target:
                (tmp_path / target).write_text(result.out)
    assert ran == ["plan", "apply"]
    assert {"web01", "web02"} <= site_for_cli.state.configuration.hosts.keys()
    assert (tmp_path / "plan.md").read_text().startswith("- Plan: 3 to create, ")
    assert {path.name for path in tmp_path.iterdir()} >= {"plan.html", "plan.json", "report.html"}


def test_the_pipelines_use_only_files_that_their_commands_write() -> None:
    github = yaml.safe_load(FILES["github.yml"])
    steps = [step for job in github["jobs"].values() for step in job["steps"]]
    assert [step["with"]["path"] for step in steps if "upload" in step.get("uses", "")] == ["plan.*", "report.html"]
    assert github["jobs"]["apply"]["needs"] == "plan"
    assert github[True].keys() == {"pull_request", "push"}, "YAML reads the key 'on' as True"
    gitlab = yaml.safe_load(FILES["gitlab.yml"])
    assert gitlab["plan"]["artifacts"]["paths"] == ["plan.html", "plan.json"]
    assert gitlab["apply"]["artifacts"]["paths"] == ["report.html"]

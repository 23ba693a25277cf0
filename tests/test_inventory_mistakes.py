"""What an inventory cannot mean is refused before the site is asked, in words that say what to write instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checkmk_sync.errors import InventoryError
from checkmk_sync.sync import diff, from_data, load, plan_as_markdown, plan_as_text
from tests.test_plan import held, holding


def _mistakes(tmp_path: Path, name: str, text: str) -> list[str]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InventoryError) as caught:
        load(path)
    return [str(problem).replace(str(tmp_path) + "/", "") for problem in caught.value.problems]


@pytest.mark.parametrize(
    "text",
    ["name\na\n-\n", "name,folder\na,/\nb,-\n", "path\n/a\n-\n", "path,title\n/a,A\n/b,-\n"],
)
def test_a_dash_cannot_remove_what_every_object_has(tmp_path: Path, text: str) -> None:
    (problem,) = _mistakes(tmp_path, "a.csv", text)
    column = text.partition("\n")[0].rpartition(",")[2]
    assert problem == f"a.csv:3: {column}: '-' removes, and the {column} cannot be removed"


@pytest.mark.parametrize("folder", ["/.", "/x/../y", "..", "~x~."])
def test_folders_are_not_walked(tmp_path: Path, folder: str) -> None:
    for name, text in (("a.csv", f"name,folder\na,{folder}\n"), ("b.csv", f"path\n{folder}\n")):
        (problem,) = _mistakes(tmp_path, name, text)
        assert problem.startswith(f"{name}:2: ")
        assert f"'{folder}' is not a folder: " in problem
        assert "dots" in problem


def test_a_folder_that_checkmk_would_not_create_is_refused_at_plan_time(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name,folder\na,/old one\nb,/old one/new one\nc,/v1.2/x\nd,/old one/new one\n")
    there = holding(held("folder", "/old one", title="Old"))
    with pytest.raises(InventoryError) as caught:
        diff(load(path), there)
    assert [str(problem) for problem in caught.value.problems] == [
        f"{path}:3: the folder /old one/new one does not exist, and Checkmk creates none named 'new one': "
        "only letters, digits, '-' and '_' are allowed",
        f"{path}:4: the folder /v1.2 does not exist, and Checkmk creates none named 'v1.2': "
        "only letters, digits, '-' and '_' are allowed",
    ]
    there = holding(*(held("folder", name, title="x") for name in ("/old one", "/old one/new one", "/v1.2")))
    assert len(diff(load(path), there).changes) == 5


@pytest.mark.parametrize("folder", ["/Main", "/main", "/wato"])
def test_the_root_under_another_name_is_noticed(folder: str) -> None:
    desired = from_data({"hosts": [{"name": "a", "folder": f"{folder}/x"}]})
    (warning,) = diff(desired, holding()).warnings
    assert f"folder {folder} is created below the root" in warning
    there = holding(held("folder", folder, title="x"))
    assert diff(desired, there).warnings == ()
    assert diff(from_data({"hosts": [{"name": "a", "folder": "/x/main"}]}), holding()).warnings == ()


def test_warnings_are_shown_with_the_plan() -> None:
    plan = diff(from_data({"folders": [{"path": "/wato"}]}), holding())
    said = "folder /wato is created below the root"
    assert f"\nWarning: {said}" in plan_as_text(plan)
    assert f"\nWarning: {said}" in plan_as_markdown(plan)
    assert plan.to_dict()["warnings"][0].startswith(said)

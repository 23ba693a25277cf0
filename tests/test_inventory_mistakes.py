"""What an inventory cannot mean is refused before the site is asked, in words that say what to write instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checkmk_sync.errors import InventoryError
from checkmk_sync.sync import diff, from_data, load
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

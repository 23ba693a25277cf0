"""The reference of nouns is generated from their rows."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests.conftest import ROOT

TOOL = "tools/make_noun_reference.py"


def _made(code: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", f"import runpy\n{code}\nrunpy.run_path({TOOL!r}, run_name='__main__')"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True).stdout.decode()


def test_the_page_matches_the_rows() -> None:
    made = _made("")
    assert (ROOT / "docs/nouns.md").read_text("utf-8") == made, f"run: python {TOOL} > docs/nouns.md"


def test_a_made_up_noun_gets_its_section_from_its_row_alone() -> None:
    sections = re.split("^## ", _made("import tests.nouns.made_up_noun"), flags=re.MULTILINE)
    (section,) = (text for text in sections if text.startswith("Ships\n\nA ship with all kinds of fields.\n"))
    for row in (
        "| `name` (key) | string | yes | ID of the ship. Must match `^[a-z]+\\Z`. Called `ship_id` in requests. |",
        "| `kind` | string | yes | Kind of the ship. One of `freight`, `passengers`. |",
        "| `access_key` | string |  | Code of the bridge. A secret: the site never returns it. |",
        "| `afloat` | true or false |  | Whether it floats. |",
        "| `plan` | mapping |  | Plan of the ship. Only in versions since 2.3.0b1. |",
        "| `port` | string |  | Port of the ship. Before 2.4.0b1, called `harbour` in requests. |",
        "| `customer` | string |  | Customer. Only in the editions `cme`, `ultimatemt`. |",
        "| `ships.bulk_delete` | `POST /domain-types/ship_config/actions/bulk-delete/invoke` |  |  |",
        "| `ships.delete` | `DELETE /objects/ship_config/{key}` | yes | since 2.4.0b1 |",
    ):
        assert f"\n{row}\n" in section

"""Modules and functions are short enough to be read at a glance."""

from __future__ import annotations

import ast
import statistics

from tests.conftest import PACKAGE, ROOT

FORBIDDEN = {"utils", "common", "helpers", "manager", "misc_utils", "base_utils"}


def test_no_module_is_longer_than_350_lines() -> None:
    files = [*PACKAGE.rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    long = {str(path): count for path in files if (count := len(path.read_text("utf-8").splitlines())) > 350}
    assert long == {}


def test_no_module_has_a_catch_all_name() -> None:
    assert not {path.stem for path in PACKAGE.rglob("*.py")} & FORBIDDEN


def test_functions_are_short() -> None:
    lengths = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef):
                lengths.append((node.end_lineno or 0) - node.lineno + 1)
    lengths.sort()
    assert statistics.median(lengths) <= 10
    assert lengths[int(len(lengths) * 0.95)] <= 40

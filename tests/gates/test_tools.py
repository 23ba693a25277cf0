"""ruff and mypy --strict report nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT


@pytest.mark.parametrize(
    "command",
    [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",)],
    ids=["ruff-check", "ruff-format", "mypy"],
)
def test_ruff_and_mypy_find_nothing(command: tuple[str, ...]) -> None:
    if command == ("mypy",) and sys.version_info < (3, 10):
        pytest.skip("the last click and PyYAML stubs for Python 3.9 have other annotations")
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr

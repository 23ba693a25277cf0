"""If the server cannot run, the error gives the reason, on every Python version."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import checkmk_sync.mcp
from checkmk_sync.errors import SettingsError
from checkmk_sync.testing import SimulatedSite
from tests.conftest import Run


def test_without_the_extra_the_error_says_what_to_install(site_for_cli: SimulatedSite) -> None:
    code = (
        "import sys; sys.modules['mcp'] = None\n"
        "import checkmk_sync.mcp; checkmk_sync.mcp.OLDEST = (3, 0)\n"
        "from checkmk_sync.cli import main; main(['mcp'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ))
    assert done.returncode == 2
    assert done.stderr == (
        "Error: the MCP server needs the extra 'mcp'; run pip install 'checkmk_sync[mcp]', "
        "or in a checkout pip install '.[mcp]'\n"
    )


def test_an_old_python_is_an_error(site_for_cli: SimulatedSite, sync: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkmk_sync.mcp, "OLDEST", (99, 0))
    with pytest.raises(SettingsError, match=r"needs Python 3\.10 or later"):
        checkmk_sync.mcp.serve()
    assert sync("mcp").code == 2

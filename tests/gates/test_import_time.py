"""Importing the package costs next to nothing, and brings nothing that was not asked for."""

from __future__ import annotations

import subprocess
import sys


def _loaded(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_importing_the_package_imports_no_library() -> None:
    assert not _loaded("import checkmk_sync") & {"requests", "requests_cache", "backoff", "yaml", "click", "rich"}


def test_importing_the_client_imports_no_extra() -> None:
    found = _loaded("from checkmk_sync import Checkmk")
    assert not found & {
        "click",
        "rich",
        "cheroot",
        "werkzeug",
        "keyring",
        "prometheus_client",
        "pytest",
        "checkmk_sync.testing",
    }


def test_the_pytest_plugin_imports_nothing_before_it_is_used() -> None:
    found = _loaded("import checkmk_sync.testing.plugin")
    assert not found & {"requests", "cheroot", "werkzeug", "checkmk_sync.client.checkmk", "checkmk_sync.testing.site"}


def test_the_command_line_imports_no_server() -> None:
    assert not _loaded("import checkmk_sync.cli.app") & {"mcp", "pydantic", "uvicorn", "cheroot", "werkzeug"}

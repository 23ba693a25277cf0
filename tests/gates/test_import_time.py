"""Importing the package is cheap, and loads only the libraries that are needed."""

from __future__ import annotations

import functools
import importlib
import os
import subprocess
import sys

import click
import pytest

from checkmk_sync.cli.app import cli
from checkmk_sync.commands import COMMANDS
from checkmk_sync.commands.command import LazyFunction


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
        "requests_cache",
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


HEAVY = {
    *("requests", "requests_cache", "urllib3", "yaml", "rich", "mcp", "pydantic", "uvicorn", "cheroot", "werkzeug"),
    *("logging", "sqlite3", "json", "importlib.metadata"),
}
OWN = ("catalogue", "cli", "commands", "core")  # the packages of ours that --help may load


def _loaded_by(*lines: list[str]) -> set[str]:
    """Return the modules that are loaded after these command lines have run in one process."""
    code = (
        "import contextlib, io, sys\nfrom checkmk_sync.cli import main\n"
        f"for words in {lines!r}:\n"
        "    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "        main(words)\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def _refuse_heavy(loaded: set[str]) -> None:
    assert loaded & HEAVY == set()
    own = {name.split(".")[1] for name in loaded if name.startswith("checkmk_sync.")}
    assert own <= {*OWN}, "a package was loaded that is needed only to run commands"
    assert not {name for name in loaded if name.startswith("checkmk_sync.commands.handlers")}


def test_help_and_version_load_neither_the_client_nor_the_handlers() -> None:
    names = [[name] for name in cli.commands]
    for group, found in cli.commands.items():
        if isinstance(found, click.Group):
            names += [[group, name] for name in found.commands]
    assert len(names) > 30
    _refuse_heavy(_loaded_by([], ["--version"], ["--help"], *([*words, "--help"] for words in names)))


@pytest.mark.parametrize("words", ["checkmk-sync ", "checkmk-sync hosts delete --", "checkmk-sync apply x --owner "])
def test_completion_loads_neither_the_client_nor_the_handlers(words: str) -> None:
    completion = {"_CHECKMK_SYNC_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    code = (
        "import atexit, sys; from checkmk_sync.cli import main\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr)); sys.argv = ['checkmk-sync']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, **completion}
    )
    assert "hosts" in done.stdout or "--yes" in done.stdout or "apply" in words
    _refuse_heavy(set(done.stderr.split()))


def test_the_command_table_is_imported_without_the_handlers() -> None:
    _refuse_heavy(_loaded("import checkmk_sync.commands"))


def test_every_function_named_in_the_table_exists() -> None:
    for command in COMMANDS:
        functions = [command.handler, command.preview, command.table_row]
        functions += [function for argument in command.arguments for function in (argument.check, argument.parse)]
        for function in functions:
            # The functions of plain nouns are bound to the name of the noun.
            found = function.func if isinstance(function, functools.partial) else function
            if isinstance(found, LazyFunction):
                assert callable(getattr(importlib.import_module(found.module), found.name))

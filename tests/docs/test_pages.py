"""The documentation of commands, settings, errors and packages matches the code."""

from __future__ import annotations

import dataclasses
import json
import re
import runpy
from importlib import import_module
from typing import Any, Iterator, get_type_hints

import yaml

from checkmk_sync import errors, recovery
from checkmk_sync.config.file import _ADVANCED, _ENVIRONMENT, _SECRET_KEYS
from checkmk_sync.config.settings import Settings
from checkmk_sync.testing import Fault
from tests.conftest import PACKAGE, ROOT


def _page(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def test_the_command_line_reference_matches_the_commands() -> None:
    page = _page("docs/cli.md")
    with_reference = runpy.run_path(str(ROOT / "tools/make_cli_reference.py"))["with_reference"]
    assert page == with_reference(page), "run: python tools/make_cli_reference.py docs/cli.md"


def test_the_table_of_tools_matches_the_commands() -> None:
    reference = runpy.run_path(str(ROOT / "tools/make_tool_reference.py"))["reference"]
    assert reference() in _page("docs/mcp.md"), "run python tools/make_tool_reference.py and paste its output"


def _keys(kind: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    hints = get_type_hints(kind)
    for field in dataclasses.fields(kind):
        if field.name.endswith("password"):  # given as one of several keys
            continue
        if dataclasses.is_dataclass(hints[field.name]):
            yield from _keys(hints[field.name], f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}", field.default


def test_the_configuration_page_lists_every_key_with_its_default() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| (?:`([^`]*)`)? ?\|", _page("docs/configuration.md"), re.MULTILINE)
    listed = {key: yaml.safe_load(default) if default else None for key, default in rows}
    wanted = {key: None if default is dataclasses.MISSING else default for key, default in _keys(Settings)}
    assert listed == wanted
    text = _page("docs/configuration.md")
    assert all(f"`{name}`" in text for name in (*_SECRET_KEYS, *_ENVIRONMENT))
    assert [key.split(".")[0] for key, _ in rows[-1:]] == [_ADVANCED[-1]]


def test_the_configuration_page_names_the_test_of_the_settings() -> None:
    """The named test fails for a key without an observable effect."""
    (named,) = re.findall(r"`(tests/.*\.py)`", _page("docs/configuration.md"))
    assert (ROOT / named).exists()


def test_every_name_of_recovery_is_used_by_the_client_or_an_example() -> None:
    texts = [path.read_text("utf-8") for path in PACKAGE.rglob("*.py") if path.parent.name != "recovery"]
    words = set(
        re.findall(r"\w+", " ".join([*texts, *re.findall(r"```python(.*?)```", _page("docs/recovery.md"), re.S)]))
    )
    assert set(recovery.__all__) <= words


def test_the_error_page_lists_every_error() -> None:
    listed = set(re.findall(r"`(\w+Error)`", _page("docs/errors.md")))
    bases = {"CheckmkError", "TransportError", "ApiError", "SyncError"}
    assert listed | bases | {"Attempted", "Delivery"} == set(errors.__all__)


def test_the_faults_on_the_testing_page_are_valid() -> None:
    for text in re.findall(r'\{"kind": [^}]*\}', _page("docs/testing.md")):
        Fault.of(json.loads(text))


def test_the_architecture_page_names_every_package() -> None:
    table = _page("docs/architecture.md").split("The simulated site")[0]
    named = set(re.findall(r"`(\w+)/?`", table))
    rooms = {path.stem if path.is_file() else path.name for path in PACKAGE.iterdir() if not path.name.startswith("__")}
    assert rooms - {"py"} == named


def test_the_readme_commands_are_one_line_each_and_run_in_ci() -> None:
    commands = re.findall(r"```sh\n(.*?)\n```", _page("README.md"), re.DOTALL)
    assert len(commands) == 2
    assert all("\n" not in command for command in commands)
    assert commands[1] in _page(".ci/run")


def test_the_changelog_has_an_unreleased_section() -> None:
    assert re.search(r"^## \[Unreleased\]$", _page("CHANGELOG.md"), re.MULTILINE)


PUBLIC_MODULES = ("batch", "cache", "errors", "metrics", "recovery", "services", "streaming", "sync", "testing")
# A client builds its cache from its settings; CheckmkError is described among the other errors.
NOT_LISTED = {"checkmk_sync.cache.ReplyCache", "checkmk_sync.CheckmkError"}


def test_the_api_reference_describes_every_public_name() -> None:
    pages = "".join(path.read_text("utf-8") for path in (ROOT / "docs/api").glob("*.rst"))
    described = set(re.findall(r"^\.\. auto\w+:: ([\w.]+)", pages, re.MULTILINE))
    public = set()
    for name in ("checkmk_sync", *(f"checkmk_sync.{module}" for module in PUBLIC_MODULES)):
        public |= {f"{name}.{word}" for word in import_module(name).__all__}
    assert public - NOT_LISTED <= described


def test_every_page_is_in_the_navigation() -> None:
    listed = re.findall(r"^.* <([\w/-]+)>$", _page("docs/index.md"), re.MULTILINE)
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"}
    assert sorted(listed) == sorted({*pages, "api/index"})

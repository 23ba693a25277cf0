"""``__all__`` of packages and public modules is sorted and contains only existing names."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

import checkmk_sync
from checkmk_sync import Checkmk
from checkmk_sync.catalogue.nouns import NOUNS
from checkmk_sync.client.nouns import COLLECTIONS
from tests.conftest import PACKAGE, ROOT

MODULES = sorted(
    found.name
    for found in pkgutil.walk_packages([str(PACKAGE)], prefix="checkmk_sync.")
    if not found.name.endswith("__main__")
)


def _imported(name: str) -> ModuleType:
    if name.startswith("checkmk_sync.mcp."):
        pytest.importorskip("mcp", reason="needs the extra 'mcp' and Python 3.10")
    return importlib.import_module(name)


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.every_case
def test_all_is_sorted_and_names_existing_objects(name: str) -> None:
    module = _imported(name)
    offered = getattr(module, "__all__", [])  # internal modules have none
    ordered = sorted(offered, key=lambda word: (not word.isupper(), not word[0].isupper(), word))
    assert list(offered) == ordered
    for word in offered:
        assert getattr(module, word) is not None or word in vars(module)


@pytest.mark.parametrize("name", MODULES)
def test_public_classes_are_documented(name: str) -> None:
    module = _imported(name)
    assert module.__doc__, f"{name} has no docstring"
    for word, value in vars(module).items():
        if word.startswith("_") or inspect.getmodule(value) is not module:
            continue
        if inspect.isclass(value):
            assert value.__doc__, f"{name}.{word} has no docstring"


def test_the_package_exports_all_promised_names() -> None:
    assert list(checkmk_sync.__all__) == sorted(checkmk_sync.__all__)
    assert set(checkmk_sync.__all__) == set(checkmk_sync._HOMES)
    for word in checkmk_sync.__all__:
        assert getattr(checkmk_sync, word).__name__ == word
    with pytest.raises(AttributeError):
        checkmk_sync.nothing_like_this  # type: ignore[attr-defined]


def test_every_noun_is_declared_exported_and_documented() -> None:
    """Their attributes exist without a declaration, but type checkers and readers would not find them."""
    described = (ROOT / "docs/api/nouns.rst").read_text("utf-8")
    for noun in NOUNS.values():
        assert noun.name in Checkmk.__annotations__
        assert noun.record.__name__ in checkmk_sync.__all__
    for collection in COLLECTIONS.values():
        assert f"checkmk_sync.client.nouns.{collection.__name__}()" in described


def test_type_checkers_find_the_lazily_imported_names() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))
    seen = {
        alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == checkmk_sync._HOMES

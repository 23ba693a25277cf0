"""A module imports only from its own layer or a lower one. Modules and packages have no import cycles."""

from __future__ import annotations

import ast
import functools
from pathlib import Path
from typing import Iterator, Mapping

from tests.conftest import PACKAGE

LAYERS = (
    {"errors", "core", "config", "catalogue"},
    {"recovery", "metrics", "batch", "streaming"},
    {"http", "cache"},
    {"client"},
    {"services"},
    {"sync"},
    {"cli", "mcp", "commands", "testing", "__main__"},
)
CORE = {
    *("arguments", "call", "cancellation", "clock", "data_files", "fork", "once", "private_files", "redaction"),
    *("secret_names", "text", "grouping", "window"),
}
# The simulated site must not repeat the client's mistakes, so it shares only the lowest layer with it. It imports
# `client` only to create clients.
ALLOWED_IN_TESTING = LAYERS[0] | {"testing", "client"}


def _package(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


@functools.cache
def _modules() -> Mapping[Path, frozenset[str]]:
    """Return the modules of this package that each of its files imports, as dotted paths below the package."""
    files = [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]
    return {path: frozenset(_imported(path, ast.parse(path.read_text("utf-8")))) for path in files}


def _imported(path: Path, tree: ast.Module) -> Iterator[str]:
    """Yield the modules of this package that a file imports anywhere, as dotted paths below the package."""
    package = path.relative_to(PACKAGE).parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = list(package[: len(package) - node.level + 1])
            base += node.module.split(".") if node.module else []
            for name in node.names:
                is_module = PACKAGE.joinpath(*base, f"{name.name}.py").exists() or not node.module
                yield ".".join([*base, name.name] if is_module else base)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            assert not any(name.split(".")[0] == "checkmk_sync" for name in names), f"{path}: import relatively"


def _layer(package: str) -> int:
    return next(number for number, packages in enumerate(LAYERS) if package in packages)


def test_every_file_has_a_layer() -> None:
    assert {_package(path) for path in _modules()} == set().union(*LAYERS)


def test_core_has_only_a_few_modules() -> None:
    found = {path.stem for path in (PACKAGE / "core").glob("*.py")} - {"__init__"}
    assert found == CORE


def test_nothing_imports_upwards() -> None:
    for path, imported in _modules().items():
        for target in imported:
            package = target.split(".")[0]
            if package not in ("", "__version__", _package(path)):
                assert _layer(package) <= _layer(_package(path)), f"{path} imports {target} from a higher layer"


def test_the_simulated_site_shares_only_the_lowest_layer_with_the_client() -> None:
    for path, imported in _modules().items():
        if _package(path) == "testing":
            found = {target.split(".")[0] for target in imported} - {""}
            assert found <= ALLOWED_IN_TESTING, f"{path} imports {found - ALLOWED_IN_TESTING}"


def _import_graph() -> dict[str, set[str]]:
    """Return the imports of each module, including those under TYPE_CHECKING and in functions."""
    parts = {path: path.relative_to(PACKAGE).with_suffix("").parts for path in _modules()}
    names = {path: ".".join(part for part in parts[path] if part != "__init__") for path in parts}
    return {
        names[path]: set(imported).intersection(names.values()) - {names[path]} for path, imported in _modules().items()
    }


def _refuse_cycles(graph: Mapping[str, set[str]]) -> None:
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"import cycle: {' -> '.join((*trail[trail.index(name) :], name))}"
        if name not in done:
            for target in sorted(graph.get(name, ())):
                visit(target, (*trail, name))
            done.add(name)

    for name in sorted(graph):
        visit(name, ())


def test_modules_have_no_import_cycles() -> None:
    """Imports for type checkers count. Only the lazy exports of the root package do not count."""
    _refuse_cycles(_import_graph())


def test_packages_have_no_import_cycles() -> None:
    graph: dict[str, set[str]] = {}
    for path, imported in _modules().items():
        package = _package(path)
        if path != PACKAGE / "mcp" / "__main__.py":  # the entry point of `python -m checkmk_sync.mcp` calls the CLI
            graph.setdefault(package, set()).update(target.split(".")[0] for target in imported)
            graph[package] -= {package}
    _refuse_cycles(graph)

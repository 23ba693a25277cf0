"""An error is complete when it is raised. No code between there and the caller adds facts to it."""

from __future__ import annotations

import ast
import builtins
from typing import Iterator, Optional

import pytest

from checkmk_sync import errors
from tests.conftest import PACKAGE

EXCEPTIONS = {
    name
    for module in (builtins, errors)
    for name, value in vars(module).items()
    if isinstance(value, type) and issubclass(value, BaseException)
}
# Attributes for the chaining and display of exceptions, which are not facts about the failure.
CHAINING = {"__cause__", "__context__", "__suppress_context__", "__traceback__"}
ALLOWED = {
    ("batch/processor.py", "outcomes"),  # Ctrl-C must stay the same KeyboardInterrupt
    ("client/checkmk.py", "name"),  # the constructor of AttributeError takes it from Python 3.10 on
    ("client/checkmk.py", "obj"),
    ("http", "request"),  # of requests' own errors; both contain the Authorization header
    ("http", "response"),
}


def _is_exception(node: Optional[ast.AST]) -> bool:
    """Return True if an annotation or a called name is an exception class, also inside Optional or a string."""
    for part in ast.walk(node) if node is not None else ():
        name = getattr(part, "id", getattr(part, "attr", getattr(part, "value", None)))
        if isinstance(name, str) and (name in EXCEPTIONS or name.endswith(("Error", "Exception"))):
            return True
    return False


def _exception_names(function: ast.AST) -> Iterator[str]:
    """Yield the names in a function that refer to an exception: caught, annotated, or created from a class."""
    for node in ast.walk(function):
        if isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name
        elif isinstance(node, ast.arg) and _is_exception(node.annotation):
            yield node.arg
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and _is_exception(node.annotation):
            yield node.target.id
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _is_exception(node.value.func):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _assigned_attributes(tree: ast.AST, names: set[str]) -> Iterator[tuple[int, str]]:
    """Yield line and attribute of each assignment to an attribute of one of the names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, (ast.Store, ast.Del)):
            if isinstance(node.value, ast.Name) and node.value.id in names:
                yield node.lineno, node.attr
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("setattr", "delattr"):
            holder, attribute = node.args[:2]
            if isinstance(holder, ast.Name) and holder.id in names:
                yield node.lineno, getattr(attribute, "value", "?")
        elif isinstance(node, ast.Attribute) and node.attr == "__dict__" and getattr(node.value, "id", "") in names:
            yield node.lineno, "__dict__"  # vars() is for reading


def changed_exceptions(tree: ast.Module) -> set[tuple[int, str]]:
    """Return the line and name of each attribute of an exception that is assigned outside its constructor."""
    found: set[tuple[int, str]] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            found.update(_assigned_attributes(node, set(_exception_names(node))))
        elif isinstance(node, ast.ClassDef) and any(map(_is_exception, node.bases)):
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and method.name not in ("__init__", "__reduce__"):
                    found.update(pair for pair in _assigned_attributes(method, {"self"}) if pair[1] != "__dict__")
    return {(line, attribute) for line, attribute in found if attribute not in CHAINING}


def test_no_code_changes_an_exception_after_its_creation() -> None:
    changed = []
    for path in sorted(PACKAGE.rglob("*.py")):
        file = path.relative_to(PACKAGE).as_posix()
        for line, attribute in sorted(changed_exceptions(ast.parse(path.read_text("utf-8")))):
            if not ALLOWED & {(file, attribute), (file.partition("/")[0], attribute)}:
                changed.append(f"{file}:{line}: {attribute}")
    assert changed == [], "pass the fact to the constructor, or create a new error by calling with_attempted()"


@pytest.mark.every_case
@pytest.mark.parametrize(
    ("code", "attributes"),
    [
        ("def f():\n try: g()\n except OSError as e:\n  e.sent = True\n  raise", ["sent"]),
        ("def f():\n try: g()\n except OSError as e:\n  e.attempts += 1\n  raise", ["attempts"]),
        ("def f():\n try: g()\n except OSError as e:\n  setattr(e, 'sent', 1)", ["sent"]),
        ("def f():\n try: g()\n except OSError as e:\n  e.__dict__.update(sent=1)", ["__dict__"]),
        ("def f(error: 'CheckmkError'): error.sent, x = 1, 2", ["sent"]),
        ("def f(error: Optional[ApiError]): error.sent = 1", ["sent"]),
        ("def f():\n error = ApiError('x')\n error.sent = 1\n raise error", ["sent"]),
        ("def f():\n error: CheckmkError = made()\n error.sent = 1", ["sent"]),
        ("class MyError(CheckmkError):\n def note(self): self.sent = 1", ["sent"]),
        ("class MyError(CheckmkError):\n def __init__(self): self.sent = 1", []),
        ("def f():\n try: g()\n except OSError as e:\n  e.__cause__ = None\n  raise", []),
        ("def f(host: Host): host.name = 1", []),
    ],
)
def test_changes_are_found(code: str, attributes: list[str]) -> None:
    assert [attribute for _, attribute in changed_exceptions(ast.parse(code))] == attributes

"""Error messages say what happened and what to do next, in clauses that a reader understands at once."""

from __future__ import annotations

import ast
import sys
import textwrap
from typing import Iterable, Iterator

import pytest

from tests.conftest import PACKAGE, ROOT
from tests.message_form import faults

Assigned = dict[str, list[ast.expr]]
RAISING = ("error", "error_at", "problem", "refuse")  # the ends of the names of calls that take a message


def _assigned(nodes: Iterable[ast.AST]) -> Assigned:
    found: Assigned = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found.setdefault(node.targets[0].id, []).append(node.value)
    return found


def _templates(node: ast.expr, assigned: Assigned) -> Iterator[str]:
    """Yield the texts that an argument may have, with ``{…}`` for each value. A variable has all its assigned texts."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{…}" for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from _templates(node.body, assigned)
        yield from _templates(node.orelse, assigned)
    elif isinstance(node, ast.Name):
        for value in assigned.get(node.id, ()):
            yield from _templates(value, {})


def _messages(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the template of each message that is passed to an error.

    MissingExtraError is left out: its argument is the name of a feature.
    """
    tree = ast.parse(source)
    constants = _assigned(tree.body)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for function in functions:
        assigned = {**constants, **_assigned(ast.walk(function))}
        for node in ast.walk(function):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func).rpartition(".")[2].lower()
            if name.endswith(RAISING) and name != "missingextraerror":
                for argument in node.args:
                    yield from ((node.lineno, text) for text in _templates(argument, assigned) if " " in text)


# The simulated site repeats the messages of Checkmk as they are.
FILES = sorted(path for path in PACKAGE.rglob("*.py") if PACKAGE / "testing" not in path.parents)


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("", "is empty"),
        ("the file cannot be read:", "has no end"),
        ("the file cannot be read ", "starts or ends with a space"),
        ("the file is empty; use another file; or leave it out", "has 3 sentences"),
        ("The file is empty. Use another one. Then try again.", "has 3 sentences"),
        ("the file is empty; another file", "has a clause without a verb: 'another file'"),
        ("the host is none of yours", "has 'is none'"),
        ("name must be set by whoever calls", "has 'whoever'"),
        ("must be lower case", "does not name the object"),
    ],
)
def test_each_rule_finds_its_fault(template: str, fault: str) -> None:
    assert any(found.startswith(fault) for found in faults(template)), faults(template)


@pytest.mark.parametrize("template", ["the file {…} is empty; use another file", "{…} is not a host name", "{…}"])
def test_good_messages_have_no_fault(template: str) -> None:
    assert faults(template) == []


def test_messages_are_found_in_all_arguments_variables_and_constants() -> None:
    source = """
        EMPTY = "it is empty"
        def read(name):
            if name:
                raise ValueError(EMPTY) from None
            text = f"the file {name} is small"
            text = "it is large" if name else "it is huge"
            yield Problem(text, "a hint")
            raise self._error_at(node, errors.SettingsError("it is old"))
            raise MissingExtraError("this is a feature", "mcp")
    """
    assert {text for _, text in _messages(textwrap.dedent(source))} == {
        *("it is empty", "the file {…} is small", "it is large", "it is huge", "a hint", "it is old")
    }


def test_most_messages_of_the_package_are_checked() -> None:
    assert sum(len(set(_messages(path.read_text("utf-8")))) for path in FILES) > 400


def test_messages_say_what_happened_and_what_to_do() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {template!r} {'; '.join(found)}"
        for path in FILES
        for line, template in dict.fromkeys(_messages(path.read_text("utf-8")))
        if (found := faults(template))
    ]
    assert not wrong, "\n".join(wrong)


def test_raised_messages_fail_a_test(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyfile(
        """
        import pytest
        from checkmk_sync.errors import CheckmkError
        pytest_plugins = ["tests.raised_messages"]

        @pytest.mark.parametrize("kind", [CheckmkError, ValueError])
        @pytest.mark.parametrize("name", ["checkmk_sync.x", "checkmk_sync.testing.x", "other"])
        @pytest.mark.parametrize("message", ["no end:", "it ends"])
        def test_it(kind, name, message):
            code = compile("raise kind(message)", f"/{name.replace('.', '/')}.py", "exec")
            with pytest.raises(kind):
                exec(code, {"__name__": name, "kind": kind, "message": message})
        """
    )
    done = pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider")
    # CheckmkError in two modules of the package; ValueError outside the simulated site, from Python 3.12
    done.assert_outcomes(passed=12, errors=3 if sys.version_info >= (3, 12) else 2)
    done.stdout.fnmatch_lines(["*CheckmkError: 'no end:' has no end*"])

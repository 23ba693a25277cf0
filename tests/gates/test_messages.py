"""Error messages say what happened and what to do next, in clauses that a reader understands at once."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Iterator, Optional

from tests.conftest import PACKAGE, ROOT
from tests.message_form import faults


def _template(node: ast.expr) -> Optional[str]:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        parts = (part.value if isinstance(part, ast.Constant) else "{…}" for part in node.values)
        return "".join(map(str, parts))
    return None


def _messages(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the template of each message that is passed to an error.

    MissingExtraError is left out: its argument is the name of a feature.
    """
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func).rpartition(".")[2].lower()
        if name.endswith(("error", "error_at", "problem")) and name != "missingextraerror" and node.args:
            template = _template(node.args[0])
            if template and " " in template:
                yield node.lineno, template


# The simulated site repeats the messages of Checkmk as they are.
FILES = sorted(path for path in PACKAGE.rglob("*.py") if PACKAGE / "testing" not in path.parents)


def test_messages_say_what_happened_and_what_to_do() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {template!r} {'; '.join(found)}"
        for path in FILES
        for line, template in _messages(path)
        if (found := faults(template))
    ]
    assert not wrong, "\n".join(wrong)

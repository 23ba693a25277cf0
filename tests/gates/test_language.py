"""Texts for readers avoid the phrases that must be decoded: "what is none", "who wants", "begun anew"."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path
from typing import Iterator

import pytest

from tests.conftest import PACKAGE, ROOT

# The limit leaves room for questions and for sentences in which such a word is the natural one.
PER_THOUSAND_WORDS = 2
AVOIDED = re.compile(
    r"\b(?:what|who|whoever|whom|(?<!there )(?:is|are|was|were) (?:no|(?-i:none))(?! longer)|begun|anew|surely)\b",
    re.IGNORECASE,
)


def _texts_of_code(path: Path) -> Iterator[str]:
    source = path.read_text("utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            yield ast.get_docstring(node) or ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def _prose(path: Path) -> Iterator[str]:
    yield re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)


PARTS = {"": sorted(PACKAGE.glob("*.py"))}  # the modules beside the subpackages
PARTS.update({path.parent.name: sorted(path.parent.rglob("*.py")) for path in PACKAGE.glob("*/__init__.py")})


@pytest.mark.parametrize("part", sorted(PARTS))
def test_docstrings_and_comments_are_plain(part: str) -> None:
    _check([text for path in PARTS[part] for text in _texts_of_code(path)])


def test_avoided_phrases_are_found(tmp_path: Path) -> None:
    source = tmp_path / "module.py"
    source.write_text(
        '"""What is none."""\nclass A:\n    """Who."""\n    def f(self):\n        "Whoever."\n        # begun anew\n'
    )
    with pytest.raises(AssertionError, match="(?s)What is none.*begun anew"):
        _check(list(_texts_of_code(source)))
    assert len(AVOIDED.findall(" ".join(_texts_of_code(source)))) == 6
    _check(["There is no host. The host is no longer here. None is the default. Something whatever."])


def test_the_documentation_and_the_prompts_are_plain() -> None:
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md"), *PACKAGE.rglob("*.md")]
    _check([text for path in pages for text in _prose(path)])


def _check(texts: list[str]) -> None:
    words = sum(len(text.split()) for text in texts)
    found = [text[max(0, match.start() - 40) : match.end() + 20] for text in texts for match in AVOIDED.finditer(text)]
    assert len(found) <= max(1, PER_THOUSAND_WORDS * words / 1000), "\n".join(found)

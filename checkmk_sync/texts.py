"""Texts from elsewhere, made harmless for who shows them."""

from __future__ import annotations

import unicodedata

__all__ = ["harmless"]


def harmless(text: str, keep: str = "") -> str:
    """``text`` with control and direction characters written out, but for those to ``keep``."""
    return "".join(char if char in keep or _is_harmless(char) else _escaped(char) for char in text)


def _is_harmless(char: str) -> bool:
    return char >= " " and unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")

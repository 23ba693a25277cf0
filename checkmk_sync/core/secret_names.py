"""Recognition of secrets by the names of their attributes."""

from __future__ import annotations

import functools
import re
from typing import Iterable

from .text import close_matches

# Matches snmp_community, management_ipmi_credentials, auth_password and custom attributes with similar names.
_SECRET_NAME = re.compile(
    r"communit|credential|passw|passphrase|passcode|pwd|secret|token|webhook|(?:^|[_-])(?:pass|psk|pw)(?:$|[_-])"
    r"|(?:api|access|auth|private|priv|ssh|encryption|integration|user_group)[_-]?key",
    re.IGNORECASE,
)
# Misspelled names are compared with these words. Checkmk's own attributes are included as one word.
_SECRET_WORDS = (
    *("community", "communities", "credential", "credentials", "password", "passwords", "passwd", "passphrase"),
    *("secret", "secrets", "token", "tokens", "snmpcommunity", "managementsnmpcommunity"),
    "managementipmicredentials",
)
_SECRET_KEYS = ("access", "private", "encryption")  # a public key is not secret
_CLOSE = 0.82  # accepts one missing or extra letter in six, but not "commit" for "community"
_OTHER_WORDS = frozenset({"passed", "secure"})  # similar to "passwd" and "secret", but not misspelled
_NAME_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
LONGEST_NAME = 80  # characters; finding misspellings in longer names would take too long
SHORTEST_WORD = 4  # characters; shorter words resemble too many others


def is_secret_name(name: str) -> bool:
    """Return True if an attribute or key with this name has a secret value.

    Misspelled names count as well, such as ``snmp_comunity``.
    """
    return _is_secret_or_misspelled(name) if len(name) <= LONGEST_NAME else _SECRET_NAME.search(name) is not None


@functools.lru_cache(maxsize=4096)
def _is_secret_or_misspelled(name: str) -> bool:
    if _SECRET_NAME.search(name):
        return True
    parts = [part.lower() for part in _NAME_PART.findall(name)]
    words = {*parts, *map("".join, zip(parts, parts[1:])), "".join(parts)} - _OTHER_WORDS
    is_key = any(last == "key" and _is_close(word, _SECRET_KEYS) for word, last in zip(parts, parts[1:]))
    return is_key or any(_is_close(word, _SECRET_WORDS) for word in words if len(word) >= SHORTEST_WORD)


def _is_close(word: str, known: Iterable[str]) -> bool:
    """Return True if ``word`` differs from a known word by a few letters or only in their order."""
    letters = sorted(word)
    is_mixed = any(word[0] == other[0] and letters == sorted(other) for other in known)
    return is_mixed or bool(close_matches(word, known, _CLOSE))

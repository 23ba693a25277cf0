"""What the library says to people at a command line, in the words of tools."""

from __future__ import annotations

import re

__all__ = ["OPTIONS", "as_arguments"]

# Those of the command line and of Python that messages name, and that tools call otherwise.
OPTIONS = (
    *("adopt", "allow-changes", "allow-deletions", "attribute", "confirm-delete", "force-foreign", "label", "owner"),
    *("recursive", "remove", "remove-label", "title"),
)
_OTHERWISE = {"confirm-delete": "confirm_deletions"}
_OPTION = re.compile(rf"--({'|'.join(sorted(OPTIONS, key=len, reverse=True))})(?![\w-])")
_ENCODING = re.compile(r"\bencoding='[^']+'")
_IN_PYTHON = re.compile(r" \([a-z_]+=[^()]* in Python\)")


def as_arguments(text: str) -> str:
    """``text`` with the arguments of tools in place of options."""
    text = _IN_PYTHON.sub("", text).replace("force_foreign_changes", "force_foreign")
    text = _ENCODING.sub("the setting sync.encoding of this server", text)
    return _OPTION.sub(lambda found: _OTHERWISE.get(found[1], found[1].replace("-", "_")), text)

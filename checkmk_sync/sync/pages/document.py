"""Put the data of a page into the template. The data is one block of JSON, which a script shows as text."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
from pathlib import Path
from typing import Any, Mapping

from ...core.text import escape_invisible

# The end of the element, a comment in it, and characters that end a line in JavaScript.
_SPECIAL = re.compile("[<>&\u2028\u2029]")


def document(data: Mapping[str, Any]) -> str:
    """Return the HTML page that shows ``data``. In all texts, invisible characters are escaped."""
    text = json.dumps(_visible(data), ensure_ascii=False, separators=(",", ":"))
    escaped = _SPECIAL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    before, after = _template()
    return before + escaped + after


def _visible(value: Any) -> Any:
    if isinstance(value, str):
        return escape_invisible(value, keep="\n")
    if isinstance(value, Mapping):
        return {key: _visible(inner) for key, inner in value.items()}
    return [_visible(inner) for inner in value] if isinstance(value, (list, tuple)) else value


@functools.lru_cache(maxsize=1)
def _template() -> tuple[str, str]:
    """Return the page before and after the data."""
    template, style, script = (
        Path(__file__).with_name(f"page.{suffix}").read_text("utf-8") for suffix in ("html", "css", "js")
    )
    # The policy allows only these two texts, so a value that becomes HTML by mistake cannot run.
    parts = {"style": style, "script": script, "style_hash": _hash(style), "script_hash": _hash(script)}
    filled = re.sub(r"{{(\w+)}}", lambda name: parts.get(name[1], name[0]), template)
    before, _, after = filled.partition("{{data}}")
    return before, after


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"

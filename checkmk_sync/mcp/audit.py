"""Every write, as a line of JSON: who, what, and what became of it. Never a secret."""

from __future__ import annotations

import datetime
import json
import logging
import os
import threading
from typing import Any, Mapping, Optional

from ..errors import SettingsError
from ..settings import Settings
from .fence import cleaned

__all__ = ["Audit"]

log = logging.getLogger("checkmk_sync.mcp.audit")

MAX_LINE = 20_000  # characters of the arguments


class Audit:
    """Appends to ``path``, which only its owner may read; without one it logs to ``checkmk_sync.mcp.audit``.

    SettingsError when the file cannot be opened.
    """

    def __init__(self, settings: Settings, path: Optional[str] = None) -> None:
        self._who = {"site": settings.base_url, "user": settings.username}
        self._lock = threading.Lock()
        self._file: Optional[int] = None
        if path is not None:
            try:
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
                self._file = os.open(path, flags, 0o600)
                os.chmod(self._file if os.chmod in os.supports_fd else path, 0o600)
            except OSError as error:
                raise SettingsError(f"the audit log cannot be written: {error.strerror}", file=path) from error

    def record(self, tool: str, arguments: Mapping[str, Any], outcome: str, client: str = "") -> None:
        """Note one event. OSError when it cannot be noted: then nothing must be written at the site either."""
        shown = cleaned(arguments)
        if len(json.dumps(shown)) > MAX_LINE:
            shown = {name: _brief(value) for name, value in shown.items()}
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
        entry = {"time": now, **self._who, "client": client, "tool": tool, "arguments": shown, "outcome": outcome}
        text = json.dumps(entry)
        if self._file is None:
            log.info("%s", text)
            return
        with self._lock:
            os.write(self._file, text.encode() + b"\n")

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _brief(value: Any) -> Any:
    return f"{len(value)} entries, too long to note" if isinstance(value, (list, dict)) else value

"""Entry point of ``python -m checkmk_sync.mcp``, which is the same as ``checkmk-sync mcp``."""

from __future__ import annotations

from ..cli import main

if __name__ == "__main__":
    main(module="mcp")

"""What the endpoints do, one family a file; importing a file registers its endpoints."""

from __future__ import annotations

from . import activation, discovery, folders, hosts, hosts_bulk, misc, rename, status

__all__ = ["activation", "discovery", "folders", "hosts", "hosts_bulk", "misc", "rename", "status"]

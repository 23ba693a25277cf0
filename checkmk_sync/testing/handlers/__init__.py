"""What the endpoints do, one family a file; importing a file registers its endpoints."""

from __future__ import annotations

from . import activation, clusters, discovery, folders, hosts, hosts_bulk, hosts_internal, misc, rename, status  # noqa: F401

__all__: list[str] = []

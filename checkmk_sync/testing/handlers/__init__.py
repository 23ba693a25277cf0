"""The handlers of the endpoints, one module per family. Importing a module registers its endpoints."""

from __future__ import annotations

from . import activation, clusters, discovery, folders, hosts, hosts_bulk, hosts_internal, rename, status, version  # noqa: F401

__all__: list[str] = []

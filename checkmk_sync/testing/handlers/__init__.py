"""The handlers of the endpoints, one module per family. Importing a module registers its endpoints."""

from __future__ import annotations

from .. import behaviours  # noqa: F401
from . import (  # noqa: F401
    acknowledgements,
    activation,
    comments,
    discovery,
    downtimes,
    folders,
    hosts,
    hosts_bulk,
    hosts_internal,
    parent_scan,
    rename,
    status,
    version,
)

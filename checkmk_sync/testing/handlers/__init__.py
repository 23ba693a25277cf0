"""The handlers of the endpoints, one module per family. Importing this package registers all endpoints."""

from __future__ import annotations

import importlib
import pkgutil

from .. import behaviours  # noqa: F401

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

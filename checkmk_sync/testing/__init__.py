"""A simulated Checkmk site with scripted faults, to test scripts without a Checkmk server.

>>> with SimulatedSite(hosts=100) as site:
...     site.client().hosts.get("host00001")

The simulated site needs the extra ``simulator``, which is imported when the site or ``Fault`` is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.clock import ManualClock
from ..errors import MissingExtraError

if TYPE_CHECKING:
    from .faults import Fault
    from .site import SimulatedSite

__all__ = ["Fault", "ManualClock", "SimulatedSite"]


def __getattr__(name: str) -> Any:
    if name not in ("Fault", "SimulatedSite"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from . import faults, site
    except ModuleNotFoundError as error:
        if error.name in ("cheroot", "werkzeug"):
            raise MissingExtraError("the simulated site", "simulator") from error
        raise
    return {"Fault": faults.Fault, "SimulatedSite": site.SimulatedSite}[name]

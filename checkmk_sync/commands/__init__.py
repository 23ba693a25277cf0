"""One table of verbs for all faces: what can be done with a site, with which arguments."""

from __future__ import annotations

from .batches import BATCH_VERBS
from .command import Argument, FailedRow, Field, Intent, Listing, Verb
from .diagnostics import PROGRAM_VERBS
from .folders import FOLDER_VERBS
from .hosts import HOST_VERBS
from .services import SERVICE_VERBS
from .site import SITE_VERBS
from .sync import SYNC_VERBS
from .wording import as_arguments

__all__ = ["VERBS", "Argument", "FailedRow", "Field", "Intent", "Listing", "Verb", "as_arguments"]

VERBS: tuple[Verb, ...] = (
    *HOST_VERBS,
    *BATCH_VERBS,
    *FOLDER_VERBS,
    *SERVICE_VERBS,
    *SITE_VERBS,
    *SYNC_VERBS,
    *PROGRAM_VERBS,
)

"""One table of verbs for all faces: what can be done with a site, with which arguments."""

from __future__ import annotations

from .folders import FOLDER_VERBS
from .hosts import HOST_VERBS
from .services import SERVICE_VERBS
from .site import SITE_VERBS
from .verb import Argument, Verb

__all__ = ["VERBS", "Argument", "Verb"]

VERBS: tuple[Verb, ...] = (*HOST_VERBS, *FOLDER_VERBS, *SERVICE_VERBS, *SITE_VERBS)

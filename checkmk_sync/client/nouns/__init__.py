"""What a row of the catalogue cannot say, one noun a file."""

from __future__ import annotations

from .activation import Activation
from .discovery import Discovery
from .folders import Folders
from .hosts import Hosts
from .jobs import Jobs
from .monitoring import HostStatuses, Services

__all__ = ["Activation", "Discovery", "Folders", "HostStatuses", "Hosts", "Jobs", "Services"]

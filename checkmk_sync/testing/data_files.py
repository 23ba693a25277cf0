"""The data of a new simulated site, which is in CSV and JSON files in this directory."""

from __future__ import annotations

import functools

from ..core import data_files

rows = functools.partial(data_files.rows, __file__)
document = functools.partial(data_files.document, __file__)

"""Sphinx configuration of the documentation."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Optional

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

ROOT = Path(__file__).parent.parent

project = "checkmk_sync"
author = "the developers of checkmk_sync"
project_copyright = "the developers of checkmk_sync"
(release,) = re.findall(r'^__version__ = "(.+)"', (ROOT / "checkmk_sync/__init__.py").read_text("utf-8"), re.MULTILINE)
version = release

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton", "sphinx_llms_txt"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "requirements.txt"]
# A name of this package must lead to its description. The build reaches no network, so names of other packages cannot.
nitpicky = True
nitpick_ignore = [  # arguments that no user passes, and the rows behind the records
    ("py:class", "checkmk_sync.catalogue.noun.Noun"),
    ("py:class", "checkmk_sync.catalogue.noun.Record"),
    ("py:class", "checkmk_sync.client.site.Site"),
    ("py:class", "checkmk_sync.testing.endpoints.SiteState"),
]
nitpick_ignore_regex = [(r"py:.*", r"(?!checkmk_sync\.).*"), (r"py:(class|obj)", r".*\.(_\w+|[A-Z])")]

smartquotes = False  # they would turn the dashes of an option in plain text into one long dash

html_theme = "furo"
html_title = f"checkmk_sync {release}"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3  # links such as sync.md#limits work as on a code host

copybutton_exclude = ".linenos, .gp, .go"  # copy commands without the prompt and without their output

autodoc_default_options = {
    "members": True,
    "undoc-members": True,  # the fields of records and the members of enumerations
    "inherited-members": "BaseException, BaseCache, Enum, IntEnum, int, str, tuple",
    # The first ones are for the client itself. Sphinx would take the member "object" of records for the type.
    "exclude-members": "noun, parse, parse_all, PARTS, LOCKS, object",
}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 100

html_baseurl = os.environ.get("READTHEDOCS_CANONICAL_URL", "")  # llms.txt starts its links with it
llms_txt_title = "checkmk_sync"
llms_txt_summary = "A synchronous Python library, command line and MCP server for the Checkmk REST API."


def show_factory(*event: Any) -> Optional[tuple[str, str]]:
    """Write ``...`` for the default of a field with a factory; Sphinx cannot parse the ``<factory>`` of dataclasses."""
    signature, returned = event[-2:]
    return (signature.replace("<factory>", "..."), returned) if signature else None


def setup(app: Sphinx) -> None:
    """Register a lexer for the CSV files in the examples, because Pygments has none."""
    app.add_lexer("csv", TextLexer)
    app.connect("autodoc-process-signature", show_factory)

"""Self-contained HTML pages for reviews: of plans, of reports, and of the data of a site.

The templates are in the files ``page.html``, ``page.css`` and ``page.js``.
"""

from __future__ import annotations

from .plans import plan_as_html, report_as_html

__all__ = ["plan_as_html", "report_as_html"]

"""Self-contained HTML pages for reviews: of plans, of reports, and of the data of a site.

The templates are in the files ``page.html``, ``page.css`` and ``page.js``.
"""

"""The command ``checkmk-sync site``."""

from __future__ import annotations

from typing import Optional

from ..sync import overview_as_html, overview_as_text, site_overview
from .options import State
from .pages import require_writable, write_page


def site(state: State, *, owner: tuple[str, ...], problem_days: int, html: Optional[str]) -> int:
    require_writable(html)
    with state.client() as client:
        overview = site_overview(client, owners=owner or None, problem_days=problem_days)
    write_page(state, html, lambda: overview_as_html(overview))
    if state.as_json:
        state.output.data(overview.to_dict())
    else:
        for line in overview_as_text(overview).split("\n"):
            state.output.line(line)
    return 0

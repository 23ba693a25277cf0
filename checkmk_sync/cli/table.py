"""Lists on a terminal: one line per row, cut to the width, with styles for states."""

from __future__ import annotations

from typing import Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from rich.text import Text

__all__ = ["STATE_STYLES", "lines"]

GAP = 2  # spaces between columns
STATE_STYLES = {
    "OK": "green",
    "UP": "green",
    "WARNING": "yellow",
    "CRITICAL": "red",
    "DOWN": "red",
    "UNKNOWN": "magenta",
    "UNREACHABLE": "magenta",
    "PENDING": "cyan",
}


def lines(
    columns: Sequence[str], rows: Sequence[Sequence[str]], width: int, *, headed: bool, ellipsis: str = "…"
) -> Iterator[Text]:
    """Yield a header line if ``headed``, and one line per row, none wider than ``width``."""
    shared = _shared([max(map(cell_len, cells)) for cells in zip(columns, *rows)], width)
    if headed:
        yield _line([(column, "bold") for column in columns], shared, ellipsis)
    for row in rows:
        styled = [(cell, STATE_STYLES.get(cell, "") if name == "state" else "") for name, cell in zip(columns, row)]
        yield _line(styled, shared, ellipsis)


def _shared(wanted: Sequence[int], width: int) -> list[int]:
    """Divide a width among columns: narrow ones get what they need, wide ones equal shares of the rest.

    The first column names the row, so it may take up to two fifths of the width before the others get theirs.
    """
    left = max(0, width - GAP * (len(wanted) - 1))
    given = [0] * len(wanted)
    given[0] = min(wanted[0], max(left * 2 // 5, left // len(wanted)))
    left -= given[0]
    hungry = sorted(range(1, len(wanted)), key=lambda index: wanted[index])
    for position, index in enumerate(hungry):
        given[index] = min(wanted[index], left // (len(hungry) - position))
        left -= given[index]
    given[0] = min(wanted[0], given[0] + left)
    return given


def _line(cells: Sequence[tuple[str, str]], widths: Sequence[int], ellipsis: str) -> Text:
    line = Text(no_wrap=True)
    for (cell, style), width in zip(cells, widths):
        if line:
            line.append(" " * GAP)
        shown = _cut(cell, width, ellipsis)
        line.append(shown, style)
        line.append(" " * (width - cell_len(shown)))
    line.rstrip()
    return line


def _cut(cell: str, width: int, ellipsis: str) -> str:
    if cell_len(cell) <= width:
        return cell
    return set_cell_size(cell, max(0, width - len(ellipsis))).rstrip() + ellipsis if width >= len(ellipsis) else ""

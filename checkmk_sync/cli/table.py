"""Tables for a terminal: one line per row, cut to the width of the terminal, with coloured states."""

from __future__ import annotations

from typing import Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from rich.text import Text

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


def table_lines(
    columns: Sequence[str], rows: Sequence[Sequence[str]], width: int, *, has_header: bool, ellipsis: str = "…"
) -> Iterator[Text]:
    """Yield a header line if ``has_header``, and one line per row. No line is wider than ``width`` cells."""
    widths = _column_widths([max(map(cell_len, cells)) for cells in zip(columns, *rows)], width)
    if has_header:
        yield _line([(column, "bold") for column in columns], widths, ellipsis)
    for row in rows:
        styled = [(cell, STATE_STYLES.get(cell, "") if name == "state" else "") for name, cell in zip(columns, row)]
        yield _line(styled, widths, ellipsis)


def _column_widths(needed: Sequence[int], width: int) -> list[int]:
    """Return the widths of columns that need ``needed`` cells.

    Narrow columns get the width they need, and wide ones share the rest equally. The first column is served first, up
    to two fifths of the width, because it names the row.
    """
    rest = max(0, width - GAP * (len(needed) - 1))
    widths = [0] * len(needed)
    widths[0] = min(needed[0], max(rest * 2 // 5, rest // len(needed)))
    rest -= widths[0]
    narrow_first = sorted(range(1, len(needed)), key=lambda index: needed[index])
    for position, index in enumerate(narrow_first):
        widths[index] = min(needed[index], rest // (len(narrow_first) - position))
        rest -= widths[index]
    widths[0] = min(needed[0], widths[0] + rest)
    return widths


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

"""Values in the Markdown of a plan are shown literally, and never become links, images or mentions."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from checkmk_sync.core.text import escape_invisible, escape_unprintable
from checkmk_sync.sync import Plan, diff, from_data, plan_as_markdown
from checkmk_sync.sync.changes import Conflict
from checkmk_sync.sync.render import COLLAPSED, SHOWN
from tests.sync.test_plan import held, holding

markdown_it = pytest.importorskip("markdown_it", reason="markdown-it-py is not installed")
pytest.importorskip("linkify_it", reason="linkify-it-py is not installed")

HOSTILE = [
    *("![x](http://evil.example/x.png)", "[click](http://evil.example)", "[ref]: http://evil.example", "![][a]"),
    *("http://evil.example/a", "www.evil.example", "<http://evil.example>", "mail@evil.example", "ftp://evil.example"),
    *(
        "@team",
        "@org/team",
        "#1",
        "GH-1",
        "org/repo#1",
        "!1",
        "%1",
        "~label",
        "&1",
        "a5c3785ed8d6a35868bc169f07e40e889087fd2e",
    ),
    *("<img src=x>", "<script>x</script>", "<!-- x -->", "&lt;b&gt;", "&#64;team", "</td></table>"),
    *("`code`", "``", "`", "a`b``c```d", "`` ` ``", " `", "` ", "x`|`y", "`a\\`", "\\`"),
    *("|", "a|b", "\\|", "a\\|b\\\\|c", "||", "|`|`|", "\\", "a\\", "\\\\", "| --- |"),
    *("*a*", "__init__", "~~gone~~", "_x_", "**", "# heading", "> quote", "- item", "1. item", "- [ ] task", "---"),
    *("$x^2$", "$`x`$", "$$", "[^1]", "[^1]: note", ":smile:", "==mark==", "H~2~O", "^up^", "{{ x }}", "[TOC]"),
    *("a\nb", "a\r\n| b |", "\u2028", "\u202egnp.exe", "\u200b@team", "\x1b[2J", "\ufeff", "\u3164", "\xa0", "\t"),
    *("", " ", "  ", " a ", "  a", "a  ", "..."),
]
VALUES = st.one_of(
    st.sampled_from(HOSTILE),
    st.text("`|\\ a", max_size=12),
    st.lists(st.sampled_from([*HOSTILE, " ", "a"]), max_size=4).map("".join),
    st.text(max_size=20),
)


def _shown(value: str) -> str:
    """Return a value on one line, like the text of a plan."""
    text = escape_unprintable(value)
    return escape_invisible(text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…") or '""'


def _tokens(text: str) -> list[Any]:
    tokens = markdown_it.MarkdownIt("gfm-like").parse(text)
    return [inner for token in tokens for inner in (token.children or [token])]


def _codes(text: str) -> list[str]:
    """Return the contents of the code spans, and check that only our own words are outside."""
    tokens = _tokens(text)
    kinds = {token.type for token in tokens}
    assert not {kind for kind in kinds if re.match(r"link|image|html|em_|strong|s_|heading|blockquote|fence|hr", kind)}
    words = " ".join(token.content for token in tokens if token.type == "text")
    assert re.fullmatch(r"[\w ,.:;>()\"’'\-\n]*", words), words
    return [token.content for token in tokens if token.type == "code_inline"]


@given(VALUES, VALUES)
def test_values_are_shown_literally_in_markdown(alias: str, label: str) -> None:
    named = {"name": "a", "folder": "/x", "attributes": {"alias": alias}, "labels": {"env": label.replace(":", ".")}}
    plan = diff(from_data({"hosts": [named]}), holding(held("folder", "/x", title="X")))
    codes = _codes(plan_as_markdown(plan))
    wanted = [plan.checksum, "a", "alias", _shown(alias), "folder", "/x", "env", _shown(label.replace(":", "."))]
    assert codes == [text for text in wanted if text != '""']
    rows = [token for token in _tokens(plan_as_markdown(plan)) if token.type == "tr_open"]
    assert len(rows) == 2, "the header and one change"
    assert sum(token.type == "td_open" for token in _tokens(plan_as_markdown(plan))) == 4


@given(VALUES, VALUES)
def test_values_of_the_site_are_shown_literally_in_markdown(now: str, title: str) -> None:
    desired = from_data(
        {"folders": [{"path": "/a", "title": "A"}], "hosts": [{"name": "a", "attributes": {"b": "new"}}]}
    )
    there = holding(held("folder", "/a", title=title), held("host", "a", attributes__b=now))
    codes = _codes(plan_as_markdown(diff(desired, there)))
    assert {text for text in (_shown(title), _shown(now)) if text != '""'} <= {*codes, "A", "new"}


@given(VALUES.filter(lambda text: bool(text) and ":" not in text))
@example("__init__")
def test_label_keys_are_shown_literally_in_markdown(key: str) -> None:
    plan = diff(from_data({"hosts": [{"name": "a", "labels": {key: "x"}}]}), holding())
    assert escape_invisible(escape_unprintable(key)) in _codes(plan_as_markdown(plan))


@given(VALUES, VALUES)
def test_owners_locations_and_warnings_are_shown_literally_in_markdown(owner: str, place: str) -> None:
    plan = Plan(
        (),
        0,
        conflicts=(Conflict("host", "a", owner, f"belongs to {owner}", "adopt it", place),),
        warnings=(f"look at {place} of {owner}",),
    )
    codes = _codes(plan_as_markdown(plan))
    assert escape_invisible(escape_unprintable(plan.conflicts[0].text)) in codes
    assert escape_invisible(escape_unprintable(plan.warnings[0])) in codes


def test_underscores_in_names_do_not_become_emphasis() -> None:
    desired = from_data(
        {"hosts": [{"name": "__h__", "folder": "/_a_", "attributes": {"_x_": "1"}, "labels": {"__k__": "@team"}}]}
    )
    line = "| create | host | `__h__` | `_x_` `1`, `folder` `/_a_`, label `__k__` `@team` |"
    assert line in plan_as_markdown(diff(desired, holding())).splitlines()


def test_unset_values_differ_from_the_text_not_set() -> None:
    there = holding(held("host", "a", attributes__alias="(not set)"))
    desired = from_data({"hosts": [{"name": "a", "attributes": {"alias": None, "b": "x"}}]})
    assert "`alias` `(not set)` -> (not set), `b` (not set) -> `x` |" in plan_as_markdown(diff(desired, there))


@given(st.lists(VALUES, min_size=COLLAPSED + 1, max_size=COLLAPSED + 5))
def test_values_cannot_end_a_collapsed_list(aliases: list[str]) -> None:
    """The text is the only place for HTML of ours, and it does not contain values."""
    hosts = [
        {"name": f"h{number}", "attributes": {"alias": f"</details>{alias}"}} for number, alias in enumerate(aliases)
    ]
    plan = replace(
        diff(from_data({"hosts": hosts}), holding()), warnings=tuple(f"</details>{alias}" for alias in aliases)
    )
    html = [token.content for token in _tokens(plan_as_markdown(plan)) if token.type.startswith("html")]
    count = len(aliases)
    opened = [f"<details><summary>{count} {name}</summary>\n" for name in ("warnings", "to create")]
    assert html == [opened[0], "</details>\n", opened[1], "</details>"]


def _long_plan() -> Plan:
    hosts = [{"name": f"h{number}", "attributes": {"alias": "new"}} for number in range(500)]
    there = [held("host", f"h{number}", attributes__alias="old") for number in range(300)]
    gone = [{"name": f"g{number}", "absent": True} for number in range(30)]
    return diff(
        from_data({"hosts": hosts, "host_groups": gone}),
        holding(*there, *(held("host group", f"g{number}") for number in range(30))),
    )


def test_a_long_list_is_collapsed_by_action() -> None:
    text = plan_as_markdown(_long_plan())
    assert re.findall("<summary>(.*)</summary>", text) == ["30 to delete", "300 to update", "200 to create"]
    assert text.startswith("- Plan: 200 to create, 0 to move, 300 to update, 30 to delete, 0 unchanged\n")
    assert sum(token.type == "tr_open" for token in _tokens(text)) == 530 + 3


@given(st.integers(1_000, 40_000))
def test_a_limited_text_says_how_many_rows_it_leaves_out(length: int) -> None:
    text = plan_as_markdown(_long_plan(), max_length=length)
    assert len(text) <= length
    shown = sum(line.startswith(("| create", "| update", "| delete")) for line in text.splitlines())
    left_out = sum(map(int, re.findall("^… and (\\d+) more$", text, re.MULTILINE)))
    assert shown + left_out == 530
    assert text.count("<details>") == text.count("</details>") == 3

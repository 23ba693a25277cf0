"""Templates in mapping files have fields with a fixed list of filters, and cannot run code."""

from __future__ import annotations

from typing import Any, Optional

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from checkmk_sync.sync.templates import FILTERS, CellError, TemplateError, parse

CELLS = {"A": "München", "B": "", "IP-Adresse": "192.0.2.1/24", "größe (m²)": "7", "a.b": "dotted", "x|y: {z}": "odd"}
TABLES = {"sites": {"München": "muc", "Berlin": "ber"}, "open": {"Berlin": "ber", "*": "other"}}


def _rendered(template: str, value: Optional[str] = None, **options: Any) -> Optional[str]:
    cells = CELLS if value is None else {**CELLS, "A": value}
    return parse(template, TABLES).render(cells, **options)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{A}", "München"),
        ("{ A }", "München"),
        ("in {A}!", "in München!"),
        ("{A}{A}", "MünchenMünchen"),
        ("{IP-Adresse}", "192.0.2.1/24"),
        ("{größe (m²)} m²", "7 m²"),
        ("{größe   (m²)}", "7"),
        ("{a.b}", "dotted"),
        ('{"x|y: {z}"}', "odd"),
        ("{'x|y: {z}'|upper}", "ODD"),
        ("{{A}}", "{A}"),
        ("{{{A}}}", "{München}"),
        ("{{}}", "{}"),
        ("no field", "no field"),
        ("", None),
        ("{B}", None),
        (" {B} ", None),
        ("in {B}", None),
        ("{B}{B}", None),
        ("{B|default:x}", "x"),
        ('{B|default:""}', None),
        ('{A}{B|default:""}', "München"),
        ('{A} {B|default:" "} x', "München   x"),
        ("{B|upper|default:x|upper}", "X"),
        ("{A | lower | ascii}", "muenchen"),
    ],
)
def test_fields_are_replaced_by_values(template: str, text: Optional[str]) -> None:
    assert _rendered(template) == text


FILTER_CASES = [
    ("lower", "ÄB c", "äb c"),
    ("upper", "äß", "ÄSS"),
    ("strip", " a  b ", "a  b"),
    ("squeeze", " a \t\r\n b\xa0c ", "a b c"),
    ("ascii", "ÄÖÜäöüß ẞ", "AeOeUeaeoeuess SS"),
    ("ascii", "a\u0308 Éé ñ ç Łódź Ærø Œuvre Ðþ", "ae Ee n c Lodz Aero Oeuvre Dth"),
    ("ascii", "a–b ‘c’ „d“ …\xa0e", "a-b 'c' \"d\" ... e"),
    ("slug", "München  Nord (2. OG)", "muenchen-nord-2-og"),
    ("slug", "--a__B--", "a__b"),
    ("path", "/a//b\\c~d/", "a/b/c/d"),
    ("path", " a / b ", "a/b"),
    ("path|slug", "Köln/1. OG\\Raum 7", "koeln/1-og/raum-7"),
    ("before:/", "192.0.2.1/24", "192.0.2.1"),
    ("before:/", "192.0.2.1", "192.0.2.1"),
    ("before: . ", "web01.example.com", "web01"),
    ("after:.", "web01.example.com", "example.com"),
    ("after:.", "web01", "web01"),
    ('after:"\\"', "DOM\\host", "host"),
    ('replace:", ":"|"', "a, b, c", "a|b|c"),
    ("replace:x:''", "axb", "ab"),
    ("replace:a:b|upper", "aa", "BB"),
    ("lookup:sites", "München", "muc"),
    ("lookup:open", "Köln", "other"),
    ("lookup:open", "*", "other"),
    ("default:x", "a", "a"),
    ("default:x", "", "x"),
    ("default: a  b ", "", "a b"),
]


@pytest.mark.parametrize(("filters", "value", "text"), FILTER_CASES)
def test_filters_convert_values(filters: str, value: str, text: str) -> None:
    assert parse(f"{{A|{filters}}}", TABLES).fields[0].value({"A": value}) == text


def test_every_filter_is_tested_and_documented() -> None:
    from tests.conftest import ROOT

    tried = {step.partition(":")[0] for filters, _, _ in FILTER_CASES for step in filters.split("|")} - {'"'}
    assert tried == set(FILTERS)
    page = (ROOT / "docs/inventory.md").read_text("utf-8")
    assert {name for name in FILTERS if f"| `{name}" in page} == set(FILTERS)


@pytest.mark.parametrize(
    ("template", "value", "why"),
    [
        ("{A|ascii}", "東京", "'東京' contains '東', which has no ASCII equivalent"),
        ("{A|slug}", "?!", "'?!' contains no letters or digits"),
        ("{A|path|slug}", "a/!", "contains no letters or digits"),
        ("{A|path}", "a/../b", "would lead to another folder"),
        ("{A|path}", "...", "would lead to another folder"),
        ("{A|lookup:sites}", "Münchn", "'Münchn' is not in the table 'sites'; did you mean 'München'?"),
        ("{A|lookup:sites}", "muc", "is not in the table 'sites'"),
        ("{A} {B}", "x", "the value is missing, but other fields of the template have a value; give it a default"),
        ("{B|default:x} {B}", "x", "the value is missing"),
        ("{A}", "a\nb", "a line break or tab, which the squeeze filter replaces"),
        ("{A}", "a\tb", "a line break or tab"),
        ("{A}", "a\u2028b", "a line break or tab"),
        ("{A}", "a\0b", "a control character (U+0000)"),
        ("{A|replace:x:y}", "\x1b[2Jx", "a control character (U+001B)"),
    ],
)
def test_unusable_values_are_reported(template: str, value: str, why: str) -> None:
    with pytest.raises(CellError) as caught:
        _rendered(template, value)
    assert why in str(caught.value)
    assert caught.value.column == ("B" if "missing" in why else "A")


@pytest.mark.parametrize(
    ("template", "offset", "why"),
    [
        ("{A", 0, "no closing '}'"),
        ("x {A|lower", 2, "no closing '}'"),
        ("{A{B}}", 0, "no closing '}'"),
        ("{A|{B}}", 0, "no closing '}'"),
        ("x}", 1, "'}' has no matching '{'"),
        ("{A}}", 3, "'}' has no matching '{'"),
        ("{}", 0, "must name a column"),
        ("{|lower}", 0, "must name a column"),
        ("{A|}", 3, "the name of the filter is missing"),
        ("{A|lower|}", 9, "the name of the filter is missing"),
        ("{A|lowr}", 3, "unknown filter 'lowr'; did you mean 'lower'?"),
        ("{A|Lower}", 3, "did you mean 'lower'?"),
        ("{A|lower:x}", 3, "takes no argument; the number of arguments here is 1"),
        ("{A|default}", 3, "write the filter default as default:DEFAULT; the number of arguments here is 0"),
        ("{A|default:}", 3, 'write "" for an empty argument'),
        ("{A|default:a:b}", 3, "the number of arguments here is 2"),
        ("{A|before:''}", 3, "must not be empty"),
        ("{A|replace:'':x}", 3, "must not be empty"),
        ("{A|replace:x}", 3, "as replace:OLD:NEW"),
        ("{A|lookup:x}", 3, "unknown table 'x'"),
        ("{A|lookup:site}", 3, "did you mean 'sites'?"),
        ("{A|default:'x}", 11, "the closing quote is missing"),
        ('{"A}', 1, "the closing quote is missing"),
        ('{"A"x}', 4, "'x' after the closing quote"),
    ],
)
def test_malformed_templates_are_reported_with_their_location(template: str, offset: int, why: str) -> None:
    with pytest.raises(TemplateError) as caught:
        parse(template, TABLES)
    assert why in str(caught.value)
    assert caught.value.offset == offset


@pytest.mark.parametrize("template", ["{0}", "{A.__class__}", "{A[0]}", "{A!r}", "{A:>10}", "{A()}", "{{A}}{self}"])
def test_str_format_syntax_is_not_supported(template: str) -> None:
    (field,) = parse(template).fields
    assert field.column not in CELLS


def test_names_in_double_braces_are_kept_for_hints() -> None:
    assert parse("{{ A }} {{B|lower}} {{{C}}}").double_braced == ("A", "B")


@given(st.text(st.sampled_from("{}|:\"' Alower.,x\n")) | st.text())
@example("{" * 1000)
@example('{"' * 500)
def test_any_text_is_a_template_or_a_reported_mistake(text: str) -> None:
    try:
        found = parse(text)
    except TemplateError as error:
        assert 0 <= error.offset <= len(text)
        return
    if not found.fields:
        assert "".join(map(str, found.parts)) == text.replace("{{", "{").replace("}}", "}")


@given(st.text(), st.sampled_from(sorted(set(FILTERS) - {"default", "path"})), st.booleans())
def test_no_value_adds_or_leaves_a_folder(value: str, name: str, twice: bool) -> None:
    """This is true for any cell and any filter except ``path``."""
    texts = {"before": ":x", "after": ":x", "replace": ":x:y", "lookup": ":open"}.get(name, "")
    template = parse(f"/dc/{{A|{name}{texts}}}" + ("/{A|squeeze}" if twice else ""), TABLES)
    try:
        found = template.render({"A": value}, is_folder=True)
    except CellError:
        return
    if found is not None:
        assert found.count("/") == 2 + twice
        assert "\\" not in found
        assert "~" not in found


@given(st.text(st.sampled_from("a./\\~ \n")))
def test_a_path_only_leads_to_subfolders(value: str) -> None:
    try:
        found = parse("/dc/{A|path}").render({"A": value}, is_folder=True)
    except CellError:
        return
    if found is not None:
        assert all(part.strip(".") for part in found[1:].split("/"))

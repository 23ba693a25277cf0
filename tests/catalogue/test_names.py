"""All spellings of a name are normalized, and quoted names arrive at the server unchanged."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmk_sync import CheckmkVersion, HostState, ServiceState
from checkmk_sync.catalogue.paths import folder_id, folder_path, host_name, parent_folder, path_segment

PART = st.text(st.characters(categories=["L", "N"], include_characters="-_"), min_size=1, max_size=8)


@given(st.lists(PART, max_size=5), st.sampled_from("~/\\"), st.booleans())
def test_all_spellings_of_a_folder_are_normalized(parts: list[str], separator: str, trailing: bool) -> None:
    spelled = separator + separator.join(parts) + (separator if trailing and parts else "")
    path = "/" + "/".join(parts)
    if len(spelled) == 32 and not trailing:  # could be a folder's id
        return
    assert folder_path(spelled) == path
    assert folder_path(folder_id(path)) == path
    assert folder_id(path) == "~" + "~".join(parts)


@given(st.lists(PART, max_size=5))
def test_the_parents_of_a_folder_end_at_the_root(parts: list[str]) -> None:
    path, steps = "/" + "/".join(parts), 0
    above = parent_folder(path)
    while above is not None:
        assert path.startswith(above)
        path, above, steps = above, parent_folder(above), steps + 1
    assert (path, steps) == ("/", len(parts))


def test_a_folder_id_stays_an_id() -> None:
    assert folder_path("0123456789abcdef0123456789ABCDEF") == "0123456789abcdef0123456789ABCDEF"
    assert folder_id("0123456789abcdef0123456789abcdef") == "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("wrong", ["", "   ", "/a/b\nc", "/a;b", "/a/../b?", "/a/../b", "..", "/.", None, 7])
def test_invalid_folders_are_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="is not a folder"):
        folder_path(wrong)  # type: ignore[arg-type]


@given(st.text(min_size=1, max_size=20))
def test_a_segment_survives_two_decodings(text: str) -> None:
    """Checkmk decodes path parameters twice. No character of a name may end the segment early."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return
    quoted = path_segment(text)
    assert unquote(unquote(quoted)) == text
    assert "/" not in unquote(quoted) or "/" not in text
    assert not set(quoted) & set("/?#&; ")
    assert quoted.strip(".") != ""


def test_empty_names_are_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        path_segment("")


@pytest.mark.parametrize("wrong", ["", "web 01", "web01\n", "wöb", "a/b", "x" * 241, "a;b", None])
def test_invalid_host_names_are_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="host name"):
        host_name(wrong)  # type: ignore[arg-type]


def test_versions_have_the_order_of_their_releases() -> None:
    texts = [
        "2.2.0p44",
        "2.3.0i1",
        "2.3.0b1",
        "2.3.0",
        "2.3.0p9",
        "2.3.0p10",
        "2.4.0b4",
        "2.4.0",
        "2.4.0p18",
        "2.5.0b3",
    ]
    keys = [CheckmkVersion.parse(text).key for text in texts]
    assert keys == sorted(keys)
    assert CheckmkVersion.parse("2.4.0p18.cre") == CheckmkVersion.parse("2.4.0p18")
    assert CheckmkVersion.parse("2.4.0-2025.01.31").at_least("2.4.0p99")
    assert not CheckmkVersion.parse("2.4.0-2025.01.31").at_least("2.5.0i1")
    assert str(CheckmkVersion.parse("2.4.0p18.cee")) == "2.4.0p18"


@pytest.mark.parametrize(
    ("text", "least", "not_yet"),
    [
        ("2.3.0p5-rc1", "2.3.0p5", "2.3.0p6"),
        ("2.3.0p5-rc12.cee", "2.3.0p5", "2.3.0p6"),
        ("2.4.0-sandbox", "2.4.0p99", "2.5.0i1"),
        ("2.4.0-2025.01.31.cre", "2.4.0p99", "2.5.0i1"),
        ("2025.05.01", "2.5.0", "2026.01.01"),
    ],
)
def test_builds_are_ordered_among_releases(text: str, least: str, not_yet: str) -> None:
    version = CheckmkVersion.parse(text)
    assert version.at_least(least)
    assert not version.at_least(not_yet)


@pytest.mark.parametrize("wrong", ["", "two", "2.4", "2.4.0q3", "v2.4.0", "2.4.0-", "2.4.0-x y"])
def test_invalid_versions_are_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="not a Checkmk version"):
        CheckmkVersion.parse(wrong)


def test_an_object_that_was_never_checked_is_pending() -> None:
    assert HostState.of(0, 1) is HostState.UP
    assert HostState.of(0, 0) is HostState.PENDING
    assert ServiceState.of(0, 1) is ServiceState.OK
    assert ServiceState.of(0, 0) is ServiceState.PENDING
    assert bool(ServiceState.OK)
    with pytest.raises(ValueError, match="7"):
        ServiceState.of(7, 1)

"""A path of a raw request cannot lead out of the API, however often servers decode it."""

from __future__ import annotations

import posixpath
from urllib.parse import quote, unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from checkmk_sync.catalogue.paths import api_path, path_segment

BASE = "https://mon.example.com/prod/check_mk/api/1.0"

REFUSED = {
    "": "does not name an endpoint",
    "/": "does not name an endpoint",
    "https://evil.example/x": "the address of the API",
    "https:evil.example": "the address of the API",
    "/prod/check_mk/api/1.0/version": "the address of the API",
    "//evil.example/x": "empty segment",
    "/objects//x": "empty segment",
    "/%2Fevil.example": "empty segment",
    "%2Fevil.example": "empty segment",
    "/%252fevil.example": "empty segment",
    "/objects/../../x": "'..'",
    "..": "'..'",
    "/objects/%2e%2E/x": "'..'",
    "/objects/%252e%252e/x": "'..'",
    "/objects/.%25252e/x": "'..'",
    "/objects/a%252F..%252Fb": "'..'",
    "/objects/..;a/x": "'..'",
    "/objects/./x": "'.'",
    "/objects/..%5Cx": "backslash",
    "/objects/%255cx": "backslash",
    "/objects\\x": "backslash",
    "/objects/a\r\nHost: evil": "control character",
    "/objects/%0d%0aHost:%20evil": "control character",
    "/objects/%2500": "control character",
    "/objects/\x7f": "control character",
    "/version?fail=1": "query parameters separately",
    "/version#x": "query parameters separately",
    "/objects/host_config/a b": "percent-encoded",
    "/objects/host_config/grün": "percent-encoded",
    "/objects/host_config/100%": "percent-encoded",
}


@pytest.mark.every_case
@pytest.mark.parametrize("path", REFUSED)
def test_a_path_that_could_lead_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="the path must be relative to the API") as caught:
        api_path(path)
    assert REFUSED[path] in str(caught.value)


@pytest.mark.parametrize(
    "path", ["/version", "/objects/host_config/web01", "/objects/folder_config/~a~b", "/a/..b/c.."]
)
def test_ordinary_paths_are_accepted(path: str) -> None:
    assert api_path(path) == path
    assert api_path(path[1:]) == path, "the leading slash is optional"


def test_a_path_must_be_a_string() -> None:
    with pytest.raises(TypeError, match="the path must be a string"):
        api_path(b"/version")  # type: ignore[arg-type]


PIECES = st.lists(
    st.sampled_from(
        ["/", ".", "..", "a", "%", "2", "5", "%2e", "%2F", "%5c", "\\", ";", ":", "?", "#", "@", "\n", "é", " "]
    )
    | st.text(max_size=3),
    max_size=12,
).map("".join)
PATHS = st.tuples(PIECES, st.integers(0, 3)).map(lambda pair: _quoted(*pair))


def _quoted(text: str, times: int) -> str:
    for _ in range(times):
        text = quote(text.encode("utf-8", "replace"))
    return text


@given(PATHS)
@example("/a/%25252e%25252e/b")
@example("%2F")
def test_an_accepted_path_stays_below_the_api(path: str) -> None:
    try:
        url = BASE + api_path(path)
    except ValueError:
        return
    for _ in range(5):
        parts = urlsplit(url)
        assert (parts.scheme, parts.netloc) == ("https", "mon.example.com")
        for resolved in (posixpath.normpath(parts.path), posixpath.normpath(parts.path.replace("\\", "/"))):
            assert resolved.startswith("/prod/check_mk/api/1.0/")
            assert resolved == parts.path.rstrip("/"), "no server changes the path when it resolves it"
        assert url.isprintable() or not any(ord(char) < 32 for char in url)
        if unquote(url) == url:
            break
        if {"%3f", "%23"} & {url[at : at + 3].lower() for at in range(len(url))}:
            break  # a decoded "?" is part of a name
        url = unquote(url)


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc",), exclude_characters="/\\"), min_size=1))
def test_every_quoted_name_without_separators_is_accepted(name: str) -> None:
    path = f"/objects/host_config/{path_segment(name)}"
    if name.partition(";")[0] in (".", "..") or unquote(name) != name:
        return  # names that look like a relative or encoded path need call()
    assert api_path(path) == path

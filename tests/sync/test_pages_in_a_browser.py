"""Pages in headless Chromium: nothing in a value runs, nothing is reported on the console, and long plans are fast."""

from __future__ import annotations

import functools
import itertools
from pathlib import Path
from typing import Iterator

import pytest

from checkmk_sync.sync import Plan, diff, from_data, plan_as_html, report_as_html
from tests.browser import Browser, browser
from tests.sync.test_pages import HOSTILE, plan_with, report_with
from tests.sync.test_plan import held, holding

pytestmark = pytest.mark.slow

WIDTHS = (390, 800, 1440)
MANY = 10_000
SECONDS = 5.0  # for a page with many changes; one takes half a second on an idle machine
ENTER, ESCAPE = "\ue007", "\ue00c"
FOCUSED = (
    "(document.activeElement.closest('li') || document.activeElement).innerText.split('\\n').slice(0, 2).join(' ')"
)
SHOWN = "document.querySelector('.shown').textContent"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def window(chromium: Browser) -> Iterator[Browser]:
    """Yield a window, and check at the end that no value ran and that the console is empty."""
    chromium.look(1280, "light")
    chromium.messages()
    yield chromium
    assert chromium.run("window.ran") is None
    assert chromium.messages() == []


def show(window: Browser, folder: Path, page: str) -> None:
    file = folder / "page.html"
    file.write_text(page, "utf-8", newline="\n")
    window.open(file)


@functools.cache
def page_of(count: int) -> str:
    """Return the page of a plan with this number of hosts. The plan updates one of them."""
    if count == 0:
        return plan_as_html(Plan((), unchanged=5))
    hosts = [
        {"name": f"host{n:05d}", "folder": f"/site{n % 20:02d}", "attributes": {"alias": f"Server {n}"}}
        for n in range(count)
    ]
    return plan_as_html(
        diff(
            from_data({"hosts": hosts}), holding(held("host", "host00003", folder="/site03", attributes__alias="Other"))
        )
    )


@pytest.mark.parametrize("count", [0, 10, MANY])
def test_pages_fit_every_window_in_both_colour_schemes(window: Browser, tmp_path: Path, count: int) -> None:
    page = page_of(count)
    for width, scheme in itertools.product(WIDTHS, ("light", "dark")):
        window.look(width, scheme)
        show(window, tmp_path, page)
        assert window.run("document.documentElement.scrollWidth") <= width
        colour = window.run("getComputedStyle(document.body).backgroundColor")
        assert (colour == "rgb(246, 247, 249)") is (scheme == "light")
        assert window.run("document.querySelectorAll('.entry').length") < 200, "only entries near the window are drawn"
    assert window.run("document.querySelector('.empty').hidden") is (count > 0)


@pytest.mark.parametrize("text", ["".join(HOSTILE[:12]), *HOSTILE])
def test_nothing_in_a_value_runs(window: Browser, tmp_path: Path, text: str) -> None:
    for page in (plan_as_html(plan_with(text), command=text), report_as_html(report_with(text))):
        show(window, tmp_path, page)
        assert window.run("document.scripts.length") == 2
        assert window.run("document.querySelectorAll('img, iframe, object, a, form').length") == 0
        window.press("j", "j")  # moves to the list, even if the values above it are long
        assert window.run("document.querySelectorAll('.entry').length") == 2
        window.run("document.querySelectorAll('td button').forEach((button) => button.click())")
        cell = window.run("document.querySelector('td.after').textContent")
        assert cell == window.run("JSON.parse(document.getElementById('data').textContent).entries[0].rows[0][2]")


def test_the_policy_blocks_scripts_that_become_part_of_the_page(chromium: Browser, tmp_path: Path) -> None:
    show(chromium, tmp_path, page_of(1))
    chromium.run(
        "(() => { const s = document.createElement('script'); document.body.append(s); return s.outerHTML })()"
    )
    add = (
        "(() => { try { document.body.innerHTML = '<img src=x onerror=window.ran=1>' } catch (e) { return e.name } })()"
    )
    assert chromium.run(add) == "TypeError", "the browser accepts no HTML from scripts"
    assert chromium.run("window.ran") is None
    assert any("Trusted" in message for message in chromium.messages())


def test_the_list_is_used_with_the_keyboard(window: Browser, tmp_path: Path) -> None:
    show(window, tmp_path, page_of(100))
    assert window.run(SHOWN) == "120 changes"
    window.press("/", *"host00042", ENTER, "j")
    assert (window.run(SHOWN), window.run(FOCUSED)) == ("1 of 120 changes", "+ host00042")
    assert window.run("document.querySelectorAll('td').length") == 0
    window.press(ENTER)
    assert window.run("[...document.querySelectorAll('td')].map((cell) => cell.textContent)") == [
        "Server 42",
        "/site02",
    ]
    window.press(ESCAPE)
    assert window.run("document.querySelectorAll('td').length") == 0
    window.press(ESCAPE)
    assert window.run(SHOWN) == "120 changes"
    window.press(*"jjjjjk")
    assert window.run(FOCUSED) == "+ host00000"


def test_the_list_is_filtered_by_action_and_kind(window: Browser, tmp_path: Path) -> None:
    show(window, tmp_path, page_of(100))
    window.run("document.querySelector('button.tile.update').click()")
    assert (window.run(SHOWN), window.run("document.querySelector('.entry .name').textContent")) == (
        "1 of 120 changes",
        "host00003",
    )
    window.run("document.querySelector('button.tile.update').click()")
    choose = "(() => { const s = document.querySelector(%r); s.value = %r; s.dispatchEvent(new Event('change')) })()"
    window.run(choose % (".kinds", "folder"))
    assert window.run(SHOWN) == "20 of 120 changes"
    window.run(choose % (".groups", "kind"))
    assert window.run("document.querySelector('.group').innerText.split('\\n')[0]") == "folders"


def test_many_changes_are_fast_and_complete(window: Browser, tmp_path: Path) -> None:
    show(window, tmp_path, page_of(MANY))
    loaded = window.run("performance.getEntriesByType('navigation')[0].domComplete / 1000")
    assert loaded < SECONDS
    time = "(() => { const at = performance.now(); %s; return (performance.now() - at) / 1000 })()"
    filter_it = "const i = document.querySelector('input'); i.value = 'server 99'; i.dispatchEvent(new Event('input'))"
    assert window.run(time % filter_it) < SECONDS
    found = sum("99" in str(number) for number in range(MANY))
    assert window.run(SHOWN) == f"{found} of 10,020 changes"
    window.press("/", ESCAPE)
    window.run("scrollTo(0, document.documentElement.scrollHeight)")
    window.press("k")
    for _ in range(40):
        window.press("j")
    assert window.run(FOCUSED) == "+ host09999"


def test_a_printed_page_says_how_much_it_shows(window: Browser, tmp_path: Path) -> None:
    show(window, tmp_path, page_of(MANY))
    window.run("window.dispatchEvent(new Event('beforeprint'))")
    assert window.run("document.querySelectorAll('.entry').length") == 2000
    printed = "The first 2,000 of 10,020 changes. Filter the page to print others."
    assert window.run("document.querySelector('.printed').textContent") == printed
    window.run("window.dispatchEvent(new Event('afterprint'))")
    assert window.run("document.querySelector('.printed').textContent") == ""
    assert len(window.devtools("Page.printToPDF")["data"]) > 100_000

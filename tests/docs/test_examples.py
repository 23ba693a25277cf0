"""Every example in the documentation runs unchanged against a simulated site."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator

import pytest

from checkmk_sync.testing import SimulatedSite
from tests.conftest import ROOT, Run, use_site

PAGES = ["README.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"(?:<!-- file: (?P<file>\S+) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)```", re.DOTALL)


def _blocks(page: str) -> Iterator[tuple[str, str, str]]:
    for found in BLOCK.finditer((ROOT / page).read_text("utf-8")):
        yield found["language"], found["file"] or "", found["text"]


@pytest.fixture
def documented_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedSite]:
    """Yield a site. The environment variables lead to it, and the current directory is a temporary one."""
    monkeypatch.chdir(tmp_path)
    with SimulatedSite(hosts=30, services=10) as site:
        secret = tmp_path / "secret.txt"
        secret.write_text(site.password)
        secret.chmod(0o600)
        use_site(monkeypatch, site)
        yield site


@pytest.fixture
def site_of_tutorial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedSite]:
    monkeypatch.chdir(tmp_path)
    with SimulatedSite(hosts=3) as site:
        use_site(monkeypatch, site)
        yield site


@pytest.mark.every_case
@pytest.mark.parametrize("page", PAGES)
def test_examples_run(page: str, documented_site: SimulatedSite, sync: Run, tmp_path: Path) -> None:
    run_page(page, sync, tmp_path)


def run_page(page: str, sync: Run, folder: Path, only: str = "") -> str:
    """Run the blocks of a page, in order, and return the output of the commands.

    ``only`` is the language of the visible blocks to run. Blocks in HTML comments prepare the site, so they always run.
    """
    names: dict[str, Any] = {"__name__": "example"}
    printed = ""
    for _, file, text in _blocks(page):
        if file:
            (folder / file).write_text(text, encoding="utf-8")
    for found in BLOCK.finditer((ROOT / page).read_text("utf-8")):
        language, text = found["language"], found["text"]
        hidden = found.string[: found.start()].endswith("<!--\n")
        if only not in ("", language) and not hidden:
            continue
        if language == "python" and not found["file"]:
            exec(compile(text, page, "exec"), names)
        elif language == "console":
            printed += _type(text, sync)
    return printed


def _type(text: str, sync: Run) -> str:
    """Run the commands and return their output. In a line with ``|``, a command reads the output of the one before."""
    printed = ""
    for line in text.splitlines():
        output = ""
        for command in line.lstrip("$ ").split(" | "):
            words = shlex.split(command, comments=True)
            if words[:1] == ["cat"]:
                output = Path(words[1]).read_text("utf-8")
            if words and words[0] == "checkmk-sync":
                with pytest.MonkeyPatch.context() as patch:
                    if output:
                        patch.setattr(sys, "stdin", io.StringIO(output))
                    result = sync(*words[1:])
                assert result.code == 0, (line, result.out, result.err)
                output = result.out
        printed += output
    return printed


def test_the_tutorial_shows_the_real_output(
    site_of_tutorial: SimulatedSite, sync: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = ""
    for language, file, text in _blocks("docs/tutorial.md"):
        if file:
            (tmp_path / file).write_text(text, encoding="utf-8")
        elif language == "console":
            printed = _type(text, sync)
        elif language == "python":
            exec(compile(text, "docs/tutorial.md", "exec"), {"__name__": "example"})
            printed = capsys.readouterr().out
        elif language == "text":
            assert _comparable(text) in _comparable(printed)


def _comparable(text: str) -> str:
    """Hide what differs: checksums (they depend on the port of the site), durations, and the form of tables."""
    text = re.sub(r"(?<=Checksum: )\w+|\d+\.\d s$", "…", text, flags=re.MULTILINE)
    text = re.sub(r"^(?:name|host)  .*\n", "", text, flags=re.MULTILINE)  # the heading of a table on a terminal
    return re.sub(r"[ \t]+$", "", re.sub(r"[ \t]+", " ", text), flags=re.MULTILINE)


def test_there_are_examples() -> None:
    languages = [language for page in PAGES for language, _, _ in _blocks(page)]
    assert languages.count("python") > 12
    assert languages.count("console") >= 2


@pytest.mark.parametrize("page", PAGES)
def test_the_targets_of_links_exist(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text("utf-8")):
        if not target.startswith("http"):
            assert ((ROOT / page).parent / target).exists(), f"{page}: {target}"


def test_the_examples_of_tests_pass(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(**{file[:-3]: text for _, file, text in _blocks("docs/testing.md") if file.startswith("test_")})
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)


@pytest.mark.parametrize("name", ["processes.py", pytest.param("cluster.py", marks=pytest.mark.slow)])
def test_the_examples_of_other_processes_run(tmp_path: Path, name: str) -> None:
    if name == "cluster.py":
        pytest.importorskip("distributed", reason="needs the extra 'dask'")
    for _, file, text in _blocks("docs/batch.md"):
        if file:
            (tmp_path / file).write_text(text, encoding="utf-8")
    done = subprocess.run([sys.executable, name], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "200 success, 0 failed" in done.stdout, done.stderr

"""The package builds, and the wheel works alone."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT


def _run(*command: object, cwd: Path) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist, built from what git would ship."""
    source = tmp_path_factory.mktemp("source")
    files = _run("git", "ls-files", "-co", "--exclude-standard", cwd=ROOT).splitlines()
    for name in files:
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    target = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--outdir", target, source, cwd=source)
    return target


def test_wheel_holds_the_package_only(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "checkmk_sync/py.typed" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"checkmk_sync"}


def test_sdist_holds_what_the_wheel_needs(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    names = {name.partition("/")[2] for name in tarfile.open(sdist).getnames()}
    assert {"setup.cfg", "setup.py", "README.md", "LICENSE", "checkmk_sync/client.py"} <= names


def test_wheel_works_alone_in_an_empty_environment(built: Path, tmp_path: Path) -> None:
    """Only the core is installed; extras are neither imported nor needed, and their absence is explained."""
    (wheel,) = built.glob("*.whl")
    _run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    _run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel, cwd=tmp_path)
    code = (
        "import sys, checkmk_sync, checkmk_sync.sync, checkmk_sync.doctor, checkmk_sync.verbs\n"
        "checkmk_sync.Checkmk('https://mon.example.com', 's', 'automation', 'secret').close()\n"
        "extras = {'click', 'rich', 'cheroot', 'werkzeug', 'keyring', 'pytest'} & set(sys.modules)\n"
        "assert not extras, extras\n"
        "try:\n"
        "    from checkmk_sync.testing import SimulatedSite\n"
        "except checkmk_sync.errors.MissingExtraError as error:\n"
        "    print(error)\n"
    )
    assert "checkmk_sync[simulator]" in _run(python, "-W", "error", "-c", code, cwd=tmp_path)
    done = subprocess.run([tmp_path / "venv" / "bin" / "checkmk-sync", "demo"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "pip install 'checkmk_sync[cli]'" in done.stderr

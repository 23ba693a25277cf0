"""The package can be built, and the wheel works with only its declared dependencies."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from tests.conftest import ROOT


def _run(*command: object, cwd: Path, **options: object) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheel and the sdist, built from the files that git would include."""
    source = tmp_path_factory.mktemp("source")
    files = _run("git", "ls-files", "-co", "--exclude-standard", cwd=ROOT).splitlines()
    for name in files:
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    target = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", target, source, cwd=source)
    return target


def test_the_wheel_contains_only_the_package(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "checkmk_sync/py.typed" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"checkmk_sync"}


def test_the_sdist_contains_the_files_for_building_the_wheel(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    names = {name.partition("/")[2] for name in tarfile.open(sdist).getnames()}
    assert {"setup.cfg", "setup.py", "README.md", "LICENSE", "checkmk_sync/client/checkmk.py"} <= names


def _declared(wheel: Path) -> set[str]:
    """Return the distributions that are installed with the wheel without extras, including indirect dependencies."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (found for found in archive.namelist() if found.endswith(".dist-info/METADATA"))
        lines = archive.read(name).decode().splitlines()
    wanted = [line.partition(": ")[2] for line in lines if line.startswith("Requires-Dist:")]
    found: set[str] = set()
    while wanted:
        requirement = wanted.pop()
        project = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        if "extra ==" not in requirement and project.lower() not in found:
            try:
                wanted += metadata.distribution(project).requires or []
                found.add(project.lower())
            except metadata.PackageNotFoundError:  # required only by another version of Python
                continue
    return found


def _only(projects: set[str], target: Path) -> Path:
    """Create a folder from which only these distributions can be imported, and return it."""
    target.mkdir()
    for project in projects:
        for file in metadata.distribution(project).files or ():
            top = file.parts[0]
            source = Path(str(metadata.distribution(project).locate_file(top)))
            if top not in ("..", "__pycache__") and source.exists() and not (target / top).exists():
                (target / top).symlink_to(source)
    return target


def test_the_wheel_works_in_an_empty_environment(built: Path, tmp_path: Path) -> None:
    """Extras are not imported. If a feature needs one, an error names it."""
    (wheel,) = built.glob("*.whl")
    libraries = _only(_declared(wheel), tmp_path / "libraries")
    assert not {entry.name for entry in libraries.iterdir()} & {"click", "rich", "cheroot", "werkzeug", "pytest"}
    zipfile.ZipFile(wheel).extractall(libraries)
    _run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    environment = {"PYTHONPATH": str(libraries), "PATH": ""}
    code = (
        "import checkmk_sync, checkmk_sync.sync, checkmk_sync.commands.doctor, checkmk_sync.commands\n"
        "checkmk_sync.Checkmk('https://mon.example.com', 's', 'automation', 'secret').close()\n"
        "try:\n"
        "    from checkmk_sync.testing import SimulatedSite\n"
        "except checkmk_sync.errors.MissingExtraError as error:\n"
        "    print(error)\n"
    )
    assert "checkmk_sync[simulator]" in _run(python, "-W", "error", "-c", code, cwd=tmp_path, env=environment)
    command = [str(python), "-m", "checkmk_sync", "demo"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 2
    assert "pip install 'checkmk_sync[cli]'" in done.stderr

"""The licences of everything that a package ships, as one folder; ``build.spec`` puts it in."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from importlib.metadata import (
    Distribution,
    PackageNotFoundError,
    distribution,
    packages_distributions,
)
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
_TEXTS = Path(__file__).with_name("texts")
_NAMES = re.compile(r"licen[cs]e|notice|copying|authors", re.IGNORECASE)
_QT = """Qt {version} and PySide6, by The Qt Company, are used under the GNU Lesser General Public
License, version 3 (LGPL-3.0.txt, GPL-3.0.txt). They are separate shared libraries in the folder
PySide6, which may be replaced by other builds of them. Their source code:
https://download.qt.io/official_releases/
What Qt itself contains (ICU, HarfBuzz, libjpeg and others):
https://doc.qt.io/qt-6/licenses-used-in-qt.html
"""


def required(requirement: str) -> set[str]:
    """The names of a distribution and of all that it needs here, in lower case with dashes."""
    found: set[str] = set()
    _follow(Requirement(requirement), found)
    return found


def _follow(wanted: Requirement, found: set[str]) -> None:
    if (name := _plain(wanted.name)) in found:
        return
    try:
        needs = [Requirement(text) for text in distribution(wanted.name).requires or []]
    except PackageNotFoundError:
        return  # of another system, or an alternative that is not installed
    found.add(name)
    environments = [{"extra": extra} for extra in ("", *wanted.extras)]
    for needed in needs:
        if needed.marker is None or any(map(needed.marker.evaluate, environments)):
            _follow(needed, found)


def shipped(modules: Iterable[str]) -> set[str]:
    """The names of the distributions that modules, or the files of modules, belong to."""
    owners = packages_distributions()
    tops = {re.split(r"[./\\]", module)[0] for module in modules}
    return {_plain(name) for top in tops for name in owners.get(top, ())}


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def collect_licences(target: Path, names: Iterable[str], binaries: Iterable[str]) -> Path:
    """Fill ``target`` anew.

    Args:
        target: A folder.
        names: Distributions that are shipped.
        binaries: Paths of the libraries that are shipped; the system's packages are found by them.

    Raises:
        SystemExit: Something would be shipped whose licence is not known.
    """
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    shutil.copyfile(ROOT / "LICENSE", target / "Tuneshift.txt")
    shutil.copyfile(ROOT / "docs" / "demo.md", target / "Tuneshift-demo.md")
    _python(target)
    for name in sorted(set(names) - {"tuneshift"}):
        _distribution(target, distribution(name))
    for package in sorted({_package(path) for path in binaries} - {""}):
        shutil.copyfile(Path("/usr/share/doc", package, "copyright"), target / f"{package}.txt")
    return target


def _python(target: Path) -> None:
    places = (
        Path(sys.base_prefix),
        Path(sysconfig.get_path("stdlib")),
        Path("/usr/share/doc/python3"),
    )
    texts = [place / name for place in places for name in ("LICENSE.txt", "LICENSE", "copyright")]
    there = [text for text in texts if text.is_file()]
    if not there:
        raise SystemExit("The licence of Python was not found")
    shutil.copyfile(there[0], target / "Python.txt")


def _distribution(target: Path, found: Distribution) -> None:
    name = found.metadata["Name"]
    folder = target / f"{name}-{found.version}"
    folder.mkdir()
    for file in found.files or ():
        if ".dist-info" in str(file) and _NAMES.search(file.name):
            inside = Path(*file.parts[1:])  # torch has a tree of them
            place = folder / (inside if len(inside.parts) > 2 else inside.name)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(found.locate_file(file)), place)
    licence = _licence(found)
    if name.startswith(("PySide6", "shiboken6")):
        (folder / "NOTICE.txt").write_text(_QT.format(version=found.version), encoding="utf-8")
        for text in _TEXTS.iterdir():
            shutil.copyfile(text, folder / text.name)
    elif not any(folder.iterdir()) and "Apache" in licence:
        shutil.copyfile(ROOT / "LICENSE", folder / "LICENSE.txt")
    if not any(folder.iterdir()):
        raise SystemExit(
            f"{name} comes without the text of its licence ({licence}): put it into {_TEXTS}"
        )
    pages = found.metadata.get_all("Project-URL") or [found.metadata.get("Home-page") or ""]
    said = "\n".join([f"{name} {found.version}", licence, *pages])
    (folder / "ABOUT.txt").write_text(f"{said}\n", encoding="utf-8")


def _licence(found: Distribution) -> str:
    named = found.metadata.get("License-Expression") or found.metadata.get("License") or ""
    classified = found.metadata.get_all("Classifier") or []
    others = [line.rpartition(" :: ")[2] for line in classified if line.startswith("License ::")]
    return named.partition("\n")[0] or ", ".join(others)


def _package(path: str) -> str:
    """The Debian package that a library belongs to; empty where it is of no package."""
    if sys.platform != "linux" or shutil.which("dpkg") is None:
        return ""
    file = Path(path).resolve()
    if not file.is_absolute() or not str(file).startswith(("/usr/lib/", "/lib/")):
        return ""
    for name in (str(file), str(file).removeprefix("/usr")):  # where /lib leads to /usr/lib
        asked = subprocess.run(["dpkg", "-S", name], capture_output=True, text=True)
        if asked.returncode == 0:
            return asked.stdout.partition(":")[0]
    raise SystemExit(f"{path} is of no Debian package, so its licence is not known")

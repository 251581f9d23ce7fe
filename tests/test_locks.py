"""What is installed is what was locked: by version, and by the checksum of every file."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parent.parent
EXTRAS = {"run": [], "test": ["test"], "package": ["package", "endpoint", "llama"]}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(name: str) -> dict[str, tuple[Version, int]]:
    """Each package of a lock with its version and the number of files that are allowed."""
    text = (ROOT / ".ci" / "lock" / f"{name}.lock").read_text(encoding="utf-8")
    found = {}
    for stanza in re.split(r"\n(?=\S)", text):
        if matched := re.match(r"([\w.-]+)==(\S+)", stanza):
            found[plain(matched[1])] = (Version(matched[2]), stanza.count("--hash=sha256:"))
    return found


def wanted(extras: list[str]) -> list[Requirement]:
    """What the program asks for, with extras, and with those that an extra names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = [Requirement(text) for text in project["dependencies"]]
    for extra in extras:
        for text in project["optional-dependencies"][extra]:
            asked = Requirement(text)
            found += wanted(sorted(asked.extras)) if asked.name == "tuneshift" else [asked]
    return [item for item in found if item.marker is None or item.marker.evaluate()]


@pytest.mark.parametrize("name", EXTRAS)
def test_a_lock_has_all_that_is_asked_for(name: str) -> None:
    versions = {**locked(name), **locked("torch"), **locked("llama")}
    for asked in wanted(EXTRAS[name]):
        version, files = versions[plain(asked.name)]
        assert asked.specifier.contains(version), f"{asked} is locked at {version}: make lock"
        assert files > 0


@pytest.mark.parametrize("name", [*EXTRAS, "torch", "torch-cpu", "llama"])
def test_a_lock_and_the_constraints_agree(name: str) -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if "==" in line)
    exact = {plain(package): Version(version) for package, version in pinned.items()}
    for package, (version, files) in locked(name).items():
        public = Version(version.public)  # without “+cpu”
        assert exact.get(package, public) == public, f"{package} differs: make lock"
        assert files > 0, f"no checksum of {package}"

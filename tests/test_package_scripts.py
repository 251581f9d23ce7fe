"""What makes packages: icons, and the environment of what a packaged program starts."""

from __future__ import annotations

import os
import runpy
from pathlib import Path

import pytest
from PySide6.QtGui import QImageReader

pytestmark = pytest.mark.unit

SCRIPTS = Path(__file__).parent.parent / ".ci" / "package"


@pytest.mark.parametrize(
    ("found", "original", "left"),
    [("/own", None, None), ("/own", "/system", "/system"), (None, None, None)],
)
def test_what_is_started_has_the_library_path_of_the_system(
    monkeypatch: pytest.MonkeyPatch, found: str | None, original: str | None, left: str | None
) -> None:
    for name, value in (("LD_LIBRARY_PATH", found), ("LD_LIBRARY_PATH_ORIG", original)):
        monkeypatch.setenv(name, value or "")
        if value is None:
            monkeypatch.delenv(name)
    runpy.run_path(str(SCRIPTS / "hook_libraries.py"))
    assert os.environ.get("LD_LIBRARY_PATH") == left
    assert "LD_LIBRARY_PATH_ORIG" not in os.environ


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize(("ending", "largest"), [("ico", 256), ("icns", 1024)])
def test_an_icon_has_its_sizes(tmp_path: Path, ending: str, largest: int) -> None:
    write = runpy.run_path(str(SCRIPTS / "icon.py"))["write_icon"]
    reader = QImageReader(write(tmp_path / f"icon.{ending}"))
    sizes = []
    for place in range(reader.imageCount()):
        assert reader.jumpToImage(place)
        image = reader.read()
        assert not image.isNull()
        assert image.pixelColor(image.width() // 2, image.height() // 4).alpha() == 255
        sizes.append(image.width())
    assert sizes[-1] == largest
    assert sizes == sorted(set(sizes))

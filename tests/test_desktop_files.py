"""What a desktop is told of the program is what the program does."""

from __future__ import annotations

import configparser
from xml.etree import ElementTree

import pytest

from app import __version__
from app.cli.options.command_line import parse
from app.resources import resource
from app.ui.recipe.recipe_files import OWN_ENDING

pytestmark = pytest.mark.unit

_MIME = "{http://www.freedesktop.org/standards/shared-mime-info}"


def recipe_type() -> ElementTree.Element:
    (found,) = ElementTree.parse(resource("desktop", "tuneshift-recipe.xml")).getroot()
    return found


def entry() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(resource("desktop", "tuneshift.desktop"), encoding="utf-8")
    return parser["Desktop Entry"]


def test_recipes_are_recognized_by_the_ending_that_they_are_saved_with() -> None:
    (pattern,) = recipe_type().iter(f"{_MIME}glob")
    assert pattern.get("pattern") == f"*{OWN_ENDING}"
    assert entry()["MimeType"] == f"{recipe_type().get('type')};"


def test_the_command_of_the_menu_is_understood_with_and_without_a_file() -> None:
    program, *options, field = entry()["Exec"].split()
    assert (program, field) == ("tuneshift", "%f")
    assert parse([*options, "a.tuneshift.toml"]).window_recipe == "a.tuneshift.toml"
    assert parse(options).window_recipe is None  # as a desktop starts it where there is no file


def test_software_centres_are_told_this_version() -> None:
    metadata = ElementTree.parse(resource("desktop", "org.tuneshift.Tuneshift.metainfo.xml"))
    assert metadata.findtext("launchable") == "tuneshift.desktop"
    assert metadata.findtext("provides/mediatype") == recipe_type().get("type")
    newest = next(metadata.iter("release"))
    assert newest.get("version") == __version__

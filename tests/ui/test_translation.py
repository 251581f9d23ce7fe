"""Tests that translations are complete, up to date and have the placeholders of their source."""

from __future__ import annotations

import ast
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import TypeGuard

import pytest
from PySide6.QtCore import QCoreApplication, QTranslator
from PySide6.QtWidgets import QApplication

from app.resources import resource
from app.ui.translation import LANGUAGES, install_translations

ROOT = Path(__file__).parents[2]
SOURCES = sorted(ROOT.glob("app/ui/**/*.py"))
TRANSLATED = sorted(set(LANGUAGES) - {"en"})


def tool(name: str) -> str:
    return str(Path(sys.executable).with_name(f"pyside6-{name}"))


def messages(file: Path) -> dict[tuple[str, str], ElementTree.Element]:
    """Translations by context and source text."""
    return {
        (context.findtext("name") or "", message.findtext("source") or ""): message
        for context in ElementTree.parse(file).getroot().iter("context")
        for message in context.iter("message")
    }


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str]]:
    """Context and text of all messages in the sources."""
    file = tmp_path_factory.mktemp("texts") / "now.ts"
    command = [tool("lupdate"), *map(str, SOURCES), "-ts", str(file)]
    subprocess.run(command, check=True, capture_output=True)
    return set(messages(file))


@pytest.mark.process
@pytest.mark.parametrize("language", TRANSLATED)
def test_no_translation_is_missing_or_obsolete(
    language: str, extracted: set[tuple[str, str]]
) -> None:
    found = messages(resource("translations", f"tuneshift_{language}.ts"))
    assert extracted - set(found) == set(), "run `make translations` and translate these"
    assert set(found) - extracted == set(), "run `make translations`"


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_have_the_placeholders_of_their_source(language: str) -> None:
    for (context, source), message in messages(
        resource("translations", f"tuneshift_{language}.ts")
    ).items():
        translation = message.find("translation")
        assert translation is not None
        assert translation.get("type") is None, f"not translated: {context}: {source}"
        for text in forms(translation):
            assert text, f"empty: {context}: {source}"
            assert places(text) == places(source), f"other places: {context}: {source}"
            assert source.startswith(" ") == text.startswith(" "), f"{context}: {source}"


def forms(translation: ElementTree.Element) -> list[str]:
    """The translation, or its plural forms."""
    counting = [form.text or "" for form in translation.iter("numerusform")]
    return counting or [translation.text or ""]


def places(text: str) -> set[str]:
    """Placeholders of a text: Python's with their formats, and Qt's ``%n``."""
    found = {f"{name}:{how}" for _, name, how, _ in Formatter().parse(text) if name is not None}
    return found | ({"%n"} if "%n" in text else set())


@pytest.mark.process
@pytest.mark.parametrize("language", TRANSLATED)
def test_compiled_translations_are_up_to_date(language: str, tmp_path: Path) -> None:
    source = resource("translations", f"tuneshift_{language}.ts")
    compiled = tmp_path / "now.qm"
    command = [tool("lrelease"), str(source), "-qm", str(compiled)]
    subprocess.run(command, check=True, capture_output=True)
    shipped = resource("translations", f"tuneshift_{language}.qm")
    assert shipped.read_bytes() == compiled.read_bytes(), "run `make translations`"


@pytest.mark.slow
def test_no_class_inherits_translated_texts() -> None:
    """Qt looks up a text under the class of the object, so subclasses would not find it."""
    bases: dict[str, set[str]] = {}
    speaking: set[str] = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases[node.name] = {b.id for b in node.bases if isinstance(b, ast.Name)}
                if any(map(is_call_of_tr, ast.walk(node))):
                    speaking.add(node.name)
    inherited = {base for names in bases.values() for base in names}
    assert inherited & speaking == set()


def is_call_of_tr(node: ast.AST) -> TypeGuard[ast.Call]:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "tr"
    )


def is_named(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


@pytest.mark.process
def test_lupdate_extracts_every_text(extracted: set[tuple[str, str]]) -> None:
    """lupdate silently skips calls that it does not understand."""
    texts = {source for _, source in extracted}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if is_call_of_tr(node):
                assert spoken(node, 0) in texts, f"{path.name}:{node.lineno}"
            elif isinstance(node, ast.Call) and is_named(node.func, "translate"):
                found = (spoken(node, 0), spoken(node, 1))
                assert found in extracted, f"{path.name}:{node.lineno}"


def spoken(call: ast.Call, place: int) -> str:
    """The literal argument of a call; empty if it is not a literal."""
    argument = call.args[place] if place < len(call.args) else None
    return str(argument.value) if isinstance(argument, ast.Constant) else ""


@pytest.mark.process
def test_every_text_has_a_context(extracted: set[tuple[str, str]]) -> None:
    """Texts fetched by an alias of ``self.tr`` have no context and are not found."""
    assert sorted(source for context, source in extracted if not context.isidentifier()) == []


@pytest.fixture
def application(qapp: QApplication) -> Iterator[QApplication]:
    before = set(qapp.findChildren(QTranslator))
    yield qapp
    for translator in set(qapp.findChildren(QTranslator)) - before:
        qapp.removeTranslator(translator)
        translator.deleteLater()


def test_the_language_of_the_preferences_is_installed(application: QApplication) -> None:
    install_translations(application, "ko")
    assert QCoreApplication.translate("GenerateMenu", "Generate") == "생성"
    assert QCoreApplication.translate("QPlatformTheme", "Cancel") == "취소"


@pytest.mark.parametrize("language", ["en", "tlh"])
def test_languages_without_translation_use_english(
    application: QApplication, language: str
) -> None:
    install_translations(application, language)
    assert QCoreApplication.translate("GenerateMenu", "Generate") == "Generate"

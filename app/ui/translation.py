"""Translations of the window, installed at the start."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

from app.resources import resource

LANGUAGES = {"en": "English", "ko": "한국어"}
"""Names of the languages, each in its own language."""

translate = QCoreApplication.translate
"""Translates text outside of QObjects: ``translate("Context", "text")``, found by lupdate."""


def install_translations(application: QCoreApplication, language: str) -> None:
    """Install the translations of ``language``: a key of ``LANGUAGES``, or ``system``.

    Languages without a translation use English. Texts that are already shown do not change.
    """
    name = QLocale().name() if language == "system" else language
    code = name.partition("_")[0]
    if code == "en" or code not in LANGUAGES:
        return
    qt = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    for file, folder in (
        (f"qtbase_{code}", qt),
        (f"tuneshift_{code}", str(resource("translations"))),
    ):
        translator = QTranslator(application)
        if translator.load(file, folder):
            application.installTranslator(translator)

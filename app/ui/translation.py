"""The languages of the window: Qt's translations, installed at the start."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

from app.resources import resource

LANGUAGES = {"en": "English", "ko": "한국어"}
"""Each language in its own words."""

translate = QCoreApplication.translate
"""For text outside classes: ``translate("Context", "text")``, which lupdate finds."""


def install_translations(application: QCoreApplication, language: str) -> None:
    """Let the window speak ``language``: a key of ``LANGUAGES``, or ``system``.

    A language that there is no translation for is English. What is already on the screen stays.
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

"""Words for how much of a text a pair of another vocabulary reads exactly."""

from __future__ import annotations

from app.checkpoints.preflight_report import TextShare, VocabularyReport
from app.checkpoints.vocabulary.sample_texts import CODE, ENGLISH, KOREAN
from app.ui.translation import translate


def least_shares(report: VocabularyReport) -> tuple[TextShare, ...]:
    """The shares of the bridged role that reads the least of the sample texts exactly."""
    found = [role.shares for role in report.roles if role.shares]
    return min(found, key=lambda shares: sum(each.exact_share for each in shares), default=())


def short_share(shares: tuple[TextShare, ...]) -> str:
    """How much is read exactly of the text that matters most to readers of this language."""
    return translate("Shares", "{English} of English exactly").format(**_percentages(shares))


def shares_in_words(shares: tuple[TextShare, ...]) -> str:
    """How much of each sample text is read exactly."""
    text = translate("Shares", "exactly {English} of English, {code} of code, {Korean} of Korean")
    return text.format(**_percentages(shares))


def _percentages(shares: tuple[TextShare, ...]) -> dict[str, str]:
    known = dict.fromkeys((ENGLISH, CODE, KOREAN), "–")
    return known | {share.text: f"{share.exact_share:.0%}" for share in shares}

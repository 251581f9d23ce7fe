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


def about_shares(shares: tuple[TextShare, ...], *, strict: bool) -> str:
    """What the shares of the sample texts are, in two sentences."""
    exact = (
        translate(
            "Shares",
            "{English} of the base's tokens in an English text are tokens of the pair, {code} in "
            "program code and {Korean} in Korean; the pair does not change the probability of the "
            "others.",
        )
        if strict
        else translate(
            "Shares",
            "One token of the pair leads to {English} of the base's tokens in an English text, "
            "{code} in program code and {Korean} in Korean; of the others, those that the base "
            "finds likely are read piece by piece.",
        )
    )
    common = translate("Shares", "{0} of all begin where a token of the pair begins.")
    begin = sum(share.boundaries for share in shares) / sum(share.tokens for share in shares)
    return f"{exact.format(**_percentages(shares))} {common.format(f'{begin:.0%}')}"


def _percentages(shares: tuple[TextShare, ...]) -> dict[str, str]:
    known = dict.fromkeys((ENGLISH, CODE, KOREAN), "–")
    return known | {share.text: f"{share.exact_share:.0%}" for share in shares}

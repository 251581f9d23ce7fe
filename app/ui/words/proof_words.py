"""Translated results of the proof of a role: one line, and a warning if it found differences."""

from __future__ import annotations

from app.checkpoints.proof.proof_report import Compared, Proof, Reading, Shortcut, figure
from app.ui.translation import translate


def proof_line(proof: Proof) -> str:
    """The result in one line, such as “Proved: largest difference 2e-6”."""
    if proof.not_proved:
        return translate("Proof", "Not proved: {0}").format(_reason(proof.not_proved))
    line = translate("Proof", "Proved: largest difference {0}").format(figure(proof.largest))
    if not proof.skipped:
        return line
    skipped = ", ".join(map(_reading, proof.skipped))
    return translate("Proof", "{0}; not compared for want of time: {1}").format(line, skipped)


def proof_warning(proof: Proof) -> str:
    """The shortcuts that the role does not use, and why; empty if it uses all."""
    if not proof.given_up:
        return ""
    slow = Shortcut.CACHE in proof.given_up
    how = [Shortcut.CACHE] if slow else list(proof.given_up)
    text = translate("Proof", "Read {0}: {1}.")
    return text.format(
        ", ".join(map(_without, how)), "; ".join(_fault(fault) for fault in proof.faults)
    )


def block_words(proof: Proof) -> str:
    """One sentence where rows depend on the block in which they are read; otherwise empty."""
    if proof.blocks is None or proof.blocks.largest == 0:
        return ""
    return translate(
        "Proof",
        "In blocks, log-probabilities differ by {0} from those of single steps: with drafts, a "
        "text is of the same distribution up to rounding (Preferences → Draft tokens).",
    ).format(figure(proof.blocks.largest))


def engine_words(proof: Proof) -> str:
    """One sentence on the difference between the engines; empty if it was not measured."""
    if proof.engines is None:
        return ""
    return translate(
        "Proof",
        "Beside transformers on the dequantized weights: KL {0} nats, largest difference {1}.",
    ).format(figure(proof.engines.divergence), figure(proof.engines.largest))


def _fault(found: Compared) -> str:
    if found.error:
        failed = translate("Proof", "{0}, it fails ({1})")
        return failed.format(_reading(found.reading), found.error)
    differs = translate(
        "Proof", "{0}, log-probabilities differ by {1} from those of plain forward passes"
    )
    return differs.format(_reading(found.reading), figure(found.difference.largest))


def _reason(reason: str) -> str:
    return {
        "switched off": translate("Proof", "switched off"),
        "the model is behind an endpoint": translate("Proof", "the model is behind an endpoint"),
    }.get(reason, reason)


def _reading(reading: Reading) -> str:
    return {
        Reading.UNCACHED: translate("Proof", "without a cache"),
        Reading.TOKENS: translate("Proof", "one token at a time"),
        Reading.CHUNKS: translate("Proof", "a prompt in chunks"),
        Reading.REWOUND: translate("Proof", "after a rewind"),
        Reading.BLOCKS: translate("Proof", "in blocks"),
        Reading.BATCH: translate("Proof", "in a batch of texts"),
        Reading.STEP: translate("Proof", "in a captured step"),
    }[reading]


def _without(shortcut: Shortcut) -> str:
    return {
        Shortcut.CAPTURE: translate("Proof", "without captured steps"),
        Shortcut.GROUPED_ATTENTION: translate("Proof", "with the attention of transformers"),
        Shortcut.PACKING: translate("Proof", "without packed weights"),
        Shortcut.DIVIDED_HEAD: translate("Proof", "with an undivided output layer"),
        Shortcut.PADDING: translate("Proof", "one text after another in evaluations"),
        Shortcut.REWINDING: translate("Proof", "without rewinding, so that nothing is drafted"),
        Shortcut.BLOCKS: translate("Proof", "one token at a time, prompts too"),
        Shortcut.CACHE: translate("Proof", "without a cache, which is slow"),
    }[shortcut]

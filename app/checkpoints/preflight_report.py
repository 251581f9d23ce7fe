"""What a check of a recipe finds before anything heavy is done. No torch: the window uses it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.checkpoints.spec import Recipe


class Verdict(StrEnum):
    """How the vocabulary of a role compares with the base's."""

    IDENTICAL = "identical"
    PADDING = "padding"  # the same tokens; one output layer has more rows than the other
    FEW = "few"  # some ids differ: they are masked unless the recipe accepts them
    DIFFERENT = "different"  # the recipe cannot be used


@dataclass(frozen=True, slots=True)
class TokenDifference:
    """An id that is spelled differently; None where a role does not have it."""

    token_id: int
    base: str | None
    other: str | None
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class RoleVocabulary:
    """The vocabulary of one role beside the base's.

    Attributes:
        role: As in ``Recipe.roles``.
        verdict: See :class:`Verdict`.
        tokens: How many ids the tokenizer has.
        rows: How many rows the output layer has.
        different: How many ids differ, accepted ones included.
        differences: The first of them, in the order of their ids.
        notes: What else differs, such as normalisation, in sentences.
    """

    role: str
    verdict: Verdict
    tokens: int
    rows: int
    different: int = 0
    differences: tuple[TokenDifference, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VocabularyReport:
    """Every role beside the base, which is the first.

    Attributes:
        roles: In the order of ``Recipe.roles``.
        masked_ids: The base's rows that can never be generated: padding and ids that differ.
    """

    roles: tuple[RoleVocabulary, ...]
    masked_ids: tuple[int, ...]

    @property
    def usable(self) -> bool:
        return all(role.verdict is not Verdict.DIFFERENT for role in self.roles)

    @property
    def masked(self) -> int:
        return len(self.masked_ids)


@dataclass(frozen=True, slots=True)
class MemoryPart:
    """Bytes that one thing takes on a device; ``kind`` is weights, cache or work."""

    label: str
    kind: str
    size: int


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """What a recipe takes on one device.

    Attributes:
        device: Such as ``cpu`` or ``cuda:0``.
        parts: What is held while generating, at the full context.
        peak: The most that is held at once, while loading or generating.
        free: Bytes free now, what is about to be unloaded included.
        total: Bytes the device has.
        resident_peak: The most that a process monitor will show: the peak, and where that is more,
            weight files that are being read. The system takes their pages back when it needs them,
            so they need not be free.
    """

    device: str
    parts: tuple[MemoryPart, ...]
    peak: int
    free: int
    total: int
    resident_peak: int = 0

    @property
    def needed(self) -> int:
        return sum(part.size for part in self.parts)

    @property
    def fits(self) -> bool:
        return self.peak <= self.free


@dataclass(frozen=True, slots=True)
class MemoryChange:
    """A change that makes a recipe smaller, to be taken by one click.

    Attributes:
        label: What it does, such as “NF4 for the pair Instruct”.
        recipe: The recipe with the change.
        peak: The peak with the change, on the device that was full.
        fits: Whether that is enough.
    """

    label: str
    recipe: Recipe
    peak: int
    fits: bool


@dataclass(frozen=True, slots=True)
class MemoryEstimate:
    """What a recipe takes on every device, with the context that was counted.

    ``uncounted`` names roles whose configuration does not say how large their KV cache is; more
    than most models need is assumed for them.
    """

    context: int
    devices: tuple[DeviceMemory, ...]
    changes: tuple[MemoryChange, ...] = ()
    uncounted: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        return all(device.fits for device in self.devices)

    @property
    def spare(self) -> int:
        """Bytes of main memory that nothing needs, where KV caches are twice as large."""
        host = next((device for device in self.devices if device.device == "cpu"), None)
        if host is None:
            return 0
        caches = sum(part.size for part in host.parts if part.kind == "cache")
        return max(0, host.free - host.peak - caches)


@dataclass(frozen=True, slots=True)
class RolePrompt:
    """The exact prompt of one role.

    Attributes:
        role: As in ``Recipe.roles``.
        text: What the model reads, special tokens included.
        token_ids: Its ids.
        tokens: What to call each id.
        context: The most tokens the model can read, or None where it names no limit.
        has_chat_template: Whether the model brings a chat template that could be chosen.
        problem: Why the prompt cannot be used, or nothing.
    """

    role: str
    text: str
    token_ids: tuple[int, ...]
    tokens: tuple[str, ...]
    context: int | None
    has_chat_template: bool
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Preflight:
    """Everything that is known about a recipe before its weights are read."""

    recipe: Recipe
    vocabulary: VocabularyReport
    memory: MemoryEstimate
    prompts: tuple[RolePrompt, ...]
    warnings: tuple[str, ...] = ()

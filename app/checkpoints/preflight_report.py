"""Results of the check of a recipe, as plain data. Imports no torch: the window uses it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.checkpoints.spec import Recipe


class Verdict(StrEnum):
    """The result of comparing the vocabulary of a role with the base's."""

    IDENTICAL = "identical"
    PADDING = "padding"  # the same tokens; one output layer has more rows than the other
    FEW = "few"  # some ids differ: they are masked unless the recipe accepts them
    BRIDGED = "bridged"  # another vocabulary: the pair reads the bytes of the base's tokens
    DIFFERENT = "different"  # the recipe cannot be used


@dataclass(frozen=True, slots=True)
class TokenDifference:
    """An id with different spellings in two vocabularies; None where a role lacks the id."""

    token_id: int
    base: str | None
    other: str | None
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class TextShare:
    """How much of a sample text a pair of another vocabulary reads exactly.

    Attributes:
        text: The kind of the text, one of ``SAMPLE_TEXTS`` of ``vocabulary.sample_texts``.
        tokens: Its length in tokens of the base.
        exact: How many of them a single token of the pair leads to.
        pieces: How many of them the pair needs several tokens for.
        boundaries: How many of them begin where a token of the pair begins.
    """

    text: str
    tokens: int
    exact: int
    pieces: int
    boundaries: int

    @property
    def exact_share(self) -> float:
        return self.exact / self.tokens if self.tokens else 0.0

    @property
    def boundary_share(self) -> float:
        return self.boundaries / self.tokens if self.tokens else 0.0


@dataclass(frozen=True, slots=True)
class RoleVocabulary:
    """The vocabulary of one role, compared with the base's.

    Attributes:
        role: As in ``Recipe.roles``.
        verdict: See :class:`Verdict`.
        tokens: The number of ids of the tokenizer.
        rows: The number of rows of the output layer.
        different: The number of ids that differ, including accepted ones; 0 of a bridged role.
        differences: The first differences, in the order of their ids.
        notes: Other differences, such as normalisation, one sentence each.
        shares: Of a bridged role, how much of each sample text it reads exactly.
    """

    role: str
    verdict: Verdict
    tokens: int
    rows: int
    different: int = 0
    differences: tuple[TokenDifference, ...] = ()
    notes: tuple[str, ...] = ()
    shares: tuple[TextShare, ...] = ()


@dataclass(frozen=True, slots=True)
class VocabularyReport:
    """The vocabularies of all roles, each compared with the base's.

    Attributes:
        roles: In the order of ``Recipe.roles``.
        masked_ids: The base's rows that can never be generated: padding and ids that differ.
        pairs_alike: The pairs, by index, whose roles share a vocabulary with each other.
    """

    roles: tuple[RoleVocabulary, ...]
    masked_ids: tuple[int, ...]
    pairs_alike: frozenset[int] = frozenset()

    @property
    def usable(self) -> bool:
        return all(role.verdict is not Verdict.DIFFERENT for role in self.roles)

    @property
    def bridged(self) -> frozenset[str]:
        """The names of the roles with another vocabulary than the base."""
        return frozenset(role.role for role in self.roles if role.verdict is Verdict.BRIDGED)

    @property
    def masked(self) -> int:
        return len(self.masked_ids)


@dataclass(frozen=True, slots=True)
class MemoryPart:
    """One part of the memory needed on a device; ``kind`` is weights, cache or work."""

    label: str
    kind: str
    size: int


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """The memory that a recipe needs on one device, in bytes.

    Attributes:
        device: Such as ``cpu`` or ``cuda:0``.
        parts: The parts held while generating, at the full context.
        peak: The peak use, while loading or generating.
        free: Free memory, including what will be unloaded before the load.
        total: The memory of the device.
        resident_peak: The peak resident memory that a process monitor shows: ``peak``, or more
            while mapped weight files are read. The system reclaims their pages when memory is
            short, so they need not be free.
        earlier_texts: The most that KV caches of earlier texts may take of what is left; they are
            given back where memory is needed, so that they are not counted as needed.
        each_text: The KV caches of one text at the full context in a batch of texts.
    """

    device: str
    parts: tuple[MemoryPart, ...]
    peak: int
    free: int
    total: int
    resident_peak: int = 0
    earlier_texts: int = 0
    each_text: int = 0

    @property
    def needed(self) -> int:
        return sum(part.size for part in self.parts)

    @property
    def fits(self) -> bool:
        return self.peak <= self.free


@dataclass(frozen=True, slots=True)
class MemoryChange:
    """A suggested change of a recipe that reduces its memory.

    Attributes:
        label: A description of the change, such as “NF4 for the pair Instruct”.
        recipe: The recipe with the change.
        peak: The peak with the change, on the device whose memory is too small.
        fits: Whether the recipe with the change fits into memory.
    """

    label: str
    recipe: Recipe
    peak: int
    fits: bool


@dataclass(frozen=True, slots=True)
class MemoryEstimate:
    """The memory that a recipe needs on every device, at a context length of ``context``.

    ``uncounted`` names roles whose configuration does not give the size of their KV cache; the
    estimate assumes more than most models need.
    """

    context: int
    devices: tuple[DeviceMemory, ...]
    changes: tuple[MemoryChange, ...] = ()
    uncounted: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        return all(device.fits for device in self.devices)

    def beside(self, texts: int) -> int:
        """Bytes that several texts at once take beside what one needs, on all devices.

        A batch has KV caches of its own for each of its texts. Where memory is scarce, texts wait.
        """
        return texts * sum(device.each_text for device in self.devices) if texts > 1 else 0

    @property
    def texts_at_once(self) -> int:
        """How many texts at the full context fit into memory at once; 1 always can be tried."""
        left = [
            max(0, device.free - device.peak) // device.each_text
            for device in self.devices
            if device.each_text
        ]
        return max(1, min(left, default=1))

    @property
    def spare(self) -> int:
        """Bytes of main memory that stay free even if KV caches take twice their estimate."""
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
        text: The text that the model reads, including special tokens.
        token_ids: The ids of the text.
        tokens: A label for each id.
        context: The context length in tokens, or None without a limit.
        has_chat_template: Whether the model has a chat template.
        problem: The reason why the prompt cannot be used, or an empty text.
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
    """The result of the check of a recipe before its weights are read."""

    recipe: Recipe
    vocabulary: VocabularyReport
    memory: MemoryEstimate
    prompts: tuple[RolePrompt, ...]
    warnings: tuple[str, ...] = ()

"""A run with its tokens and candidates, as input of the exports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.attribution.candidates import CandidateRows, CandidateTable, tabulate
from app.attribution.explained_token import ExplainedToken
from app.attribution.measures import BIT
from app.checkpoints.conversation import ASSISTANT
from app.decoding.alpha_policy import parse_policy
from app.decoding.shown_text import show
from app.decoding.thinking import answer_text
from app.errors import SettingsError
from app.history.archive import Archive
from app.history.export.shown_measures import USUAL_MEASURES, ShownMeasures
from app.history.records import StoredRun


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A run to export.

    Attributes:
        run: The run.
        tokens: Its tokens.
        candidates: The candidates of each token, or None if none are stored.
        earlier: The tokens of earlier answers of a conversation, by the index of the message.
        shown: What reports and pictures show.
        watch: Called with the number of tokens that are done while their candidates are tabulated,
            which is what takes long; it may raise ``Cancelled``.
    """

    run: StoredRun
    tokens: Sequence[ExplainedToken]
    candidates: Sequence[CandidateRows | None]
    earlier: Mapping[int, Sequence[ExplainedToken]] = field(default_factory=dict)
    shown: ShownMeasures = USUAL_MEASURES
    watch: Callable[[int], None] = lambda done: None

    @property
    def text(self) -> str:
        return "".join(token.text for token in self.tokens)

    @property
    def run_id(self) -> str:
        return self.run.id

    @property
    def pair_names(self) -> tuple[str, ...]:
        return self.run.pair_names

    @property
    def bookmarks(self) -> frozenset[int]:
        """Indices of the tokens with a bookmark."""
        return self.run.bookmarks

    @property
    def skipped(self) -> frozenset[int]:
        """Indices of the tokens that no pair has read, since the policy of alpha needed none."""
        each = zip(self.tokens, self.candidates, strict=True)
        return frozenset(
            token.index for token, rows in each if rows is not None and not rows.pairs_were_read
        )

    @property
    def partial(self) -> bool:
        """Whether only part of the base's probability is known, or compared exactly."""
        return any(token.attribution.coverage is not None for token in self.tokens)

    def tables(self) -> Iterator[CandidateTable | None]:
        """The table of candidates of each token."""
        for done, rows in enumerate(self.candidates):
            self.watch(done)
            yield None if rows is None else tabulate(rows)

    def table(self, index: int) -> CandidateTable | None:
        """The table of candidates of one token."""
        rows = self.candidates[index]
        return None if rows is None else tabulate(rows)

    def name(self, token: ExplainedToken) -> str:
        """A token on one line: its text with visible marks, or its label if it has no text."""
        return one_line(token.text) if token.text else self.run.label(token.token_id)

    def part(self, first: int, last: int) -> Document:
        """The same run with only the tokens ``first`` to ``last`` (exclusive)."""
        return replace(self, tokens=self.tokens[first:last], candidates=self.candidates[first:last])


def read_document(
    archive: Archive,
    run_id: str,
    *,
    tokens_only: bool = False,
    watch: Callable[[int], None] = lambda done: None,
) -> Document:
    """Read a run from the history.

    Args:
        archive: The history.
        run_id: The run.
        tokens_only: Whether earlier answers are left out, as the table of tokens does not need
            them, and candidates, of which it needs those that say which tokens skipped pairs.
        watch: The document's; called with 0 while candidates are read.

    Raises:
        HistoryError: The run does not exist or cannot be read.
        Cancelled: When ``watch`` says so.
    """
    tokens, run = archive.tokens(run_id), archive.get(run_id)
    if tokens_only and not may_skip(run):
        return Document(run, tokens, [None] * len(tokens), watch=watch)
    kept = {}
    for index, rows in archive.all_candidates(run_id):
        watch(0)
        kept[index] = rows
    candidates = [kept.get(token.index) for token in tokens]
    earlier = {} if tokens_only else _earlier_answers(archive, run)
    return Document(run, tokens, candidates, earlier, watch=watch)


def may_skip(run: StoredRun) -> bool:
    """Whether the policy of alpha of a run, or of the one it is a branch of, may skip pairs."""
    if run.role is not None or run.summary.parent:
        return run.role is None
    try:
        return parse_policy(run.config.alpha_policy).may_skip
    except SettingsError:  # a later version may know other policies
        return True


def _earlier_answers(archive: Archive, run: StoredRun) -> dict[int, list[ExplainedToken]]:
    """The tokens of earlier answers that the conversation contains unchanged, by message index.

    It may contain them without their thinking.
    """
    conversation = run.conversation
    messages = conversation.messages if conversation else ()
    places = [place for place, item in enumerate(messages) if item.role == ASSISTANT]
    found = {}
    for place, run_id in zip(
        reversed(places), reversed(archive.answers_before(run.id)), strict=False
    ):
        tokens = archive.tokens(run_id)
        text = "".join(token.text for token in tokens)
        if messages[place].content.strip() in (text.strip(), answer_text(text).strip()):
            found[place] = tokens
    return found


def one_line(text: str) -> str:
    """``text`` with marks for invisible characters and without line breaks."""
    return "".join(mark for mark, _ in show(text)).replace("\n", "").replace("\t", "")


def in_bits(token: ExplainedToken) -> dict[str, float]:
    """Shift, entropies and KL divergence of a token in bits, with names that end in ``_bits``."""
    explained = token.attribution
    return {
        "shift_bits": shift_bits(token),
        "entropy_base_bits": explained.entropy_base / BIT,
        "entropy_tuned_bits": explained.entropy_tuned / BIT,
        "kl_bits": explained.kl / BIT,
    }


def shift_bits(token: ExplainedToken) -> float:
    """The shift of a token's log-probability in bits."""
    return token.attribution.shift / BIT

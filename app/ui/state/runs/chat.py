"""The conversation of the window: the shown turns, and what can be done with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from app.checkpoints.conversation import ASSISTANT, SYSTEM, USER, Conversation, Message
from app.decoding.noise import new_seed
from app.ui.state.runs.run import ChatPlace, Run, same_place
from app.ui.state.runs.runs import Runs


@dataclass(frozen=True, slots=True)
class Turn:
    """A message of the user and its answer.

    Attributes:
        message: What the user said.
        text: The answer as the models read it in later turns, without its thinking; empty for the
            last turn.
        answer: The run of the answer; None if the window does not have it.
    """

    message: str
    text: str
    answer: Run | None


class Chat(QObject):
    """The shown conversation: the turns that lead to one answer, the *tip*.

    Every answer is a run, and all answers together are a tree: several may follow one answer, and
    several may answer one message. The turns are one path through this tree. The shown run is one
    of its answers, or the path changes to one that leads through the shown run.

    Args:
        runs: The runs of the window.
    """

    changed = Signal()
    """``tip`` or the turns changed."""
    system_changed = Signal()
    """``system`` changed."""

    def __init__(self, runs: Runs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runs = runs
        self.tip: Run | None = None
        self.system = ""
        """The system prompt of the next messages; if it is empty, each role uses its own."""
        runs.run_changed.connect(self._follow_shown)
        runs.list_changed.connect(self._follow_list)

    # The turns

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns up to the tip, oldest first."""
        asked = self.tip.prompt if self.tip else None
        if not isinstance(asked, Conversation):
            return ()
        pairs = list(_pairs(asked))
        answers = [None] * len(pairs) + list(self._path())
        return tuple(
            Turn(message, text, answer)
            for (message, text), answer in zip(pairs, answers[-len(pairs) :], strict=True)
        )

    def turn_of(self, run: Run | None) -> int | None:
        """The index of the turn that ``run`` answers; None if it is not among the turns."""
        answers = [turn.answer for turn in self.turns]
        return answers.index(run) if run and run in answers else None

    def versions(self, turn: int) -> list[Run]:
        """All answers at the place of a turn, those to other versions of its message included."""
        here = self.turns[turn].answer
        if here is None:
            return []
        return [run for run in self._runs.all if same_place(run, here)]

    def _path(self) -> Iterator[Run]:
        """The answers up to the tip, oldest first."""
        answers = []
        run = self.tip
        while run:
            answers.append(run)
            run = run.follows
        return reversed(answers)

    # What can be done

    def asked(self, message: str) -> Conversation:
        """The conversation with ``message`` as its next message."""
        tip = self.tip
        if tip is None or not isinstance(tip.prompt, Conversation):
            return self._begun(Conversation((Message(USER, message),)))
        said = tip.prompt.with_message(ASSISTANT, tip.answer).with_message(USER, message)
        return self._begun(said)

    def send(self, message: str) -> bool:
        """Have ``message`` answered after the last turn; whether it is."""
        return self._answer(self.asked(message), ChatPlace(self.tip, self._number()))

    def edit(self, turn: int, message: str) -> bool:
        """Have another message answered in the place of that of a turn; whether it is."""
        return self._answer(self._until(turn, message), self._place(turn))

    def regenerate(self, turn: int) -> bool:
        """Have the message of a turn answered again, with a new seed; whether it is."""
        asked = self._until(turn, self.turns[turn].message)
        return self._answer(asked, self._place(turn), new_seed())

    def rewrite(self, turn: int, text: str) -> None:
        """Put a given text in the place of an answer; its tokens are scored."""
        if text:
            asked = self._until(turn, self.turns[turn].message)
            self._runs.score(asked, text, self._place(turn))

    def go_on(self) -> None:
        """Continue the last answer."""
        self._runs.show(self.tip)
        self._runs.continue_run()

    def step(self, message: str) -> bool:
        """Generate one token of the last answer, or of one to ``message``; whether it is sent."""
        if message:
            before = self._runs.current
            self._runs.step(self.asked(message), ChatPlace(self.tip, self._number()))
            return self._runs.current is not before
        if self.tip:
            self._runs.show(self.tip)
            self._runs.step(self.tip.prompt)
        return False

    def delete_from(self, turn: int) -> None:
        """Remove a turn and all that follow it; :meth:`Runs.restore` undoes this."""
        answer = self.turns[turn].answer
        if answer in self._runs.all:
            self._runs.remove(answer)

    def start_anew(self) -> None:
        """Begin another conversation; the answers of this one stay among the runs."""
        self._set_tip(None)
        self._runs.show(None)

    def set_system(self, system: str) -> None:
        """Set the system prompt of the next messages."""
        if system != self.system:
            self.system = system
            self.system_changed.emit()

    def _answer(self, asked: Conversation, place: ChatPlace, seed: int | None = None) -> bool:
        before = self._runs.current
        self._runs.generate(asked, place, seed)
        return self._runs.current is not before

    def _number(self) -> int:
        """The number of the shown conversation, or of a new one."""
        return self.tip.chat if self.tip else self._runs.new_id()

    def _place(self, turn: int) -> ChatPlace:
        return ChatPlace(self.turns[turn - 1].answer if turn else None, self._number())

    def _until(self, turn: int, message: str) -> Conversation:
        """The conversation up to a turn, which asks ``message``."""
        said: list[Message] = []
        for one in self.turns[:turn]:
            said += [Message(USER, one.message), Message(ASSISTANT, one.text)]
        return self._begun(Conversation((*said, Message(USER, message))))

    def _begun(self, asked: Conversation) -> Conversation:
        """A conversation with the system prompt of the next messages."""
        said = tuple(item for item in asked.messages if item.role != SYSTEM)
        system = (Message(SYSTEM, self.system),) if self.system else ()
        return Conversation((*system, *said))

    # The tip follows the shown run

    def _follow_shown(self) -> None:
        shown = self._runs.current
        if shown and shown.chat and self.turn_of(shown) is None:
            self._set_tip(self._leaf(shown))

    def _follow_list(self) -> None:
        """End the turns before an answer that was removed, or show another version of the first."""
        tip = self.tip
        while tip and tip not in self._runs.all:
            others = [run for run in self._runs.all if same_place(run, tip)]
            tip = tip.follows or (self._leaf(others[-1]) if others else None)
        if tip is not self.tip:
            self._set_tip(tip)

    def _leaf(self, run: Run) -> Run:
        """The last answer after ``run``, along the latest ones."""
        while following := [other for other in self._runs.all if other.follows is run]:
            run = following[-1]
        return run

    def _set_tip(self, run: Run | None) -> None:
        self.tip = run
        if run and isinstance(run.prompt, Conversation):
            self.set_system(run.prompt.system)
        self.changed.emit()


def _pairs(asked: Conversation) -> Iterator[tuple[str, str]]:
    """The messages of the user, each with the answer to it; that to the last one is empty."""
    message: list[str] = []
    for item in asked.messages:
        if item.role == ASSISTANT:
            yield "\n\n".join(message), item.content
            message = []
        elif item.role == USER:
            message.append(item.content)
    yield "\n\n".join(message), ""

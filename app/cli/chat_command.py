"""``tuneshift chat``: a conversation with the tuned model in the terminal."""

from __future__ import annotations

import argparse
from dataclasses import replace

from app.checkpoints.spec import Recipe
from app.checkpoints.status import proof_warnings
from app.cli.chat.chat_actions import COMMANDS, Next, message_of, run_command
from app.cli.chat.chat_history import ChatHistory, read_stored_talk
from app.cli.chat.chat_input import ChatInput
from app.cli.chat.chat_models import Answer, ChatModels
from app.cli.chat.chat_talk import Talk
from app.cli.chat.chat_terminal import ChatTerminal
from app.cli.chosen_sampling import sampling_of
from app.cli.messages_file import read_messages
from app.cli.prompt_formats import with_chat_templates, with_prompt_format
from app.cli.roles import chosen_recipe
from app.decoding.types import FinishReason
from app.errors import RecipeError, TuneshiftError
from app.settings import history_file

_ANSWER_TOKENS = 1024
"""The token limit of an answer where neither a recipe nor an option names one."""


def chat(options: argparse.Namespace) -> int:
    """Run ``tuneshift chat``; returns the exit status.

    Raises:
        TuneshiftError: The options, recipe or models are invalid, or a line of a pipe is.
    """
    terminal = ChatTerminal(quiet=options.quiet, hide_thinking=options.hide_thinking)
    talk = _talk(options)
    history = ChatHistory(history_file(), terminal.warn) if options.save else None
    models = ChatModels(history, speculate=options.speculate)
    try:
        if options.base is not None and options.prompt_format is None:
            terminal.progress.show("Reading the tokenizers …")
            talk.recipe = with_chat_templates(talk.recipe)
        loaded = models.load(talk.recipe, options.proof, terminal.progress)
        if loaded is None:
            return 130
        for warning in () if options.quiet else proof_warnings(loaded.roles):
            terminal.warn(warning)
        _Loop(talk, models, terminal).run()
    finally:
        terminal.progress.clear()
        if history:
            history.close()
    return 0


def _talk(options: argparse.Namespace) -> Talk:
    before = read_stored_talk(options.resume) if options.resume else None
    if before and options.load:
        raise RecipeError("--resume cannot be combined with --load", next_step="Give one of them.")
    named = chosen_recipe(options, before.recipe if before else None)
    recipe = with_prompt_format(named, options.prompt_format)
    defaults = recipe.sampling
    if options.base is not None:
        defaults = replace(defaults, max_new_tokens=_ANSWER_TOKENS)
    recipe = replace(recipe, sampling=sampling_of(options, defaults))
    talk = Talk(recipe, seed=options.seed)
    if before:
        talk.restore(before)
    elif options.load:
        talk.replace(read_messages(options.load))
    if options.system is not None:
        talk.system = options.system
    return talk


class _Loop:
    """Reads messages and commands, and answers, until the end of the input."""

    def __init__(self, talk: Talk, models: ChatModels, terminal: ChatTerminal) -> None:
        self._talk = talk
        self._models = models
        self._terminal = terminal
        self._input = ChatInput(COMMANDS)

    def run(self) -> None:
        self._terminal.note(_greeting(self._talk.recipe))
        begun = ""
        before = self._talk.copy()
        following = Next.ANSWER if self._talk.waits else Next.NOTHING
        while following is not Next.LEAVE:
            if following in (Next.ANSWER, Next.RETRY):
                self._answer(before, new_seed=following is Next.RETRY)
            before = self._talk.copy()
            try:
                line = self._input.read(begun)
                if line is None:
                    break
                following = self._handle(line, replaces=bool(begun))
            except KeyboardInterrupt:
                self._terminal.note("\nCtrl+D or /exit leaves.")
                following = Next.NOTHING
            except TuneshiftError as error:
                self._fail(error)
                following = Next.NOTHING
            begun = self._talk.asked if following is Next.EDIT else ""
        self._terminal.note("")

    def _handle(self, line: str, *, replaces: bool) -> Next:
        """Carry out a command, or add a message; ``replaces``: it is the last one, edited."""
        message = message_of(line)
        if message is None:
            return run_command(line.strip(), self._talk, self._terminal.show)
        if not message.strip():
            return Next.NOTHING
        if replaces:
            self._talk.drop_turn()
        self._talk.ask(message)
        return Next.ANSWER

    def _answer(self, before: Talk, *, new_seed: bool) -> None:
        """Answer the last message; the messages are those of ``before`` if that fails."""
        talk = self._talk
        recipe = talk.next_recipe(new_seed=new_seed)
        if new_seed and recipe.sampling.greedy:
            self._terminal.note("The temperature is 0, so that the seed changes nothing.")
        try:
            answer = self._models.answer(
                talk.conversation, recipe, talk.follows, self._terminal.write
            )
        except (TuneshiftError, KeyboardInterrupt) as error:
            talk.restore(before)
            self._terminal.end_answer()
            if isinstance(error, TuneshiftError):
                self._fail(error)
            return
        self._terminal.end_answer()
        finished = answer.finished
        if not finished.stats.tokens and finished.finish_reason is FinishReason.CANCELLED:
            talk.restore(before)
            self._terminal.note("Stopped before the first token; the message is taken back.")
            return
        talk.add_answer(answer.text, answer.run_id)
        self._terminal.note(_summary(answer))

    def _fail(self, error: TuneshiftError) -> None:
        """Print an error; in a pipe, it ends the conversation."""
        if not self._input.interactive:
            raise error
        self._terminal.warn(error)


def _greeting(recipe: Recipe) -> str:
    alphas = ", ".join(f"“{pair.name}” α = {pair.alpha:g}" for pair in recipe.pairs)
    return f"{recipe.name}: {alphas}. /help lists the commands, Ctrl+D leaves."


def _summary(answer: Answer) -> str:
    stats, reason = answer.finished.stats, answer.finished.finish_reason
    parts = [f"{stats.tokens:,} tokens"]
    if stats.tokens_per_second:
        parts.append(f"{stats.tokens_per_second:.1f} tokens/s")
    parts.append(f"{stats.cached_tokens:,} of {answer.prompt_tokens:,} prompt tokens reused")
    if reason is FinishReason.LENGTH:
        parts.append("ended at the token limit")
    elif reason is FinishReason.CONTEXT:
        parts.append("ended: the context is full, /undo takes back a message")
    elif reason is FinishReason.CANCELLED:
        parts.append("stopped")
    return f"[{' · '.join(parts)}]"

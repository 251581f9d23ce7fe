"""``tuneshift chat``, with a pipe: answers, commands, history and files."""

from __future__ import annotations

import io
import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.__main__ import main
from app.checkpoints.conversation import Conversation, Message, conversation_of
from app.checkpoints.spec import Recipe
from app.cli.chat.chat_actions import COMMANDS, Next, run_command
from app.cli.chat.chat_talk import Talk
from app.cli.chat.chat_terminal import ChatTerminal
from app.cli.saving import RunSaver
from app.decoding.thinking import Kind
from app.engine.events import Event, RunStarted
from app.errors import TuneshiftError
from app.history.archive import Archive, Query
from app.history.database import open_to_read
from app.settings import history_file
from tests.engine.test_conversations import plain_answer

Chat = Callable[..., str]


@pytest.fixture(autouse=True)
def own_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@contextmanager
def opened_history() -> Iterator[Archive]:
    archive = Archive(open_to_read(history_file()))
    yield archive
    archive.close()


@pytest.fixture
def chat(
    chat_models: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Chat:
    """Runs ``chat`` with these lines as its pipe; returns what it prints."""

    def run(lines: str, *options: str) -> str:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
        assert main([*chat_models, *options]) == 0
        return capsys.readouterr().out

    return run


@pytest.fixture
def saved(chat: Chat, tmp_path: Path) -> Callable[..., Conversation]:
    """The conversation after these lines."""
    count = iter(range(100))

    def run(lines: str, *options: str) -> Conversation:
        path = tmp_path / f"saved-{next(count)}.json"
        chat(f"{lines}/save {path}\n", *options)
        return conversation_of(json.loads(path.read_text(encoding="utf-8")))

    return run


@pytest.mark.slow
def test_the_answers_are_those_of_plain_forward_passes(chat_recipe: Recipe, chat: Chat) -> None:
    """Each role reads the whole conversation in the format of its own tokenizer."""
    asked, texts = Conversation((Message("system", "Be brief."),)), []
    for message in ("the king", "two\nlines", "How many apples?"):
        asked = asked.with_message("user", message)
        _, text = plain_answer(chat_recipe, asked)
        texts.append(text)
        asked = asked.with_message("assistant", text)
    lines = 'the king\ntwo\\\nlines\n"""\nHow many apples?\n"""\n'
    printed = chat(lines, "--greedy", "--system", "Be brief.")
    assert printed == "".join(text if text.endswith("\n") else f"{text}\n" for text in texts)


@pytest.mark.slow
def test_answers_are_runs_that_follow_each_other_and_can_be_repeated(
    chat: Chat, capsys: pytest.CaptureFixture[str]
) -> None:
    chat("the king\nand the queen?\n", "--seed", "5", "--temperature", "1.5")
    with opened_history() as archive:
        _check_stored_answers(archive, capsys)


def _check_stored_answers(archive: Archive, capsys: pytest.CaptureFixture[str]) -> None:
    second, first = (archive.get(run.id) for run in archive.find(Query()))
    assert second.summary.follows == first.id
    assert first.conversation == Conversation((Message("user", "the king"),))
    assert second.conversation == first.conversation.with_message(
        "assistant", "".join(token.text for token in archive.tokens(first.id))
    ).with_message("user", "and the queen?")
    assert [run.id for run in archive.find(Query("QUEEN"))] == [second.id]
    for run in (first, second):
        assert main(["generate", "--again", run.id, "--json", "--no-proof"]) == 0
        again = json.loads(capsys.readouterr().out)
        assert again["token_ids"] == [token.token_id for token in archive.tokens(run.id)]
        assert again["messages"] == run.conversation.as_json()
    assert main(["inspect", second.id, "--format", "messages"]) == 0
    told = conversation_of(json.loads(capsys.readouterr().out))
    assert told.messages[:3] == second.conversation.messages


@pytest.mark.slow
def test_no_save_stores_nothing(chat: Chat) -> None:
    chat("the king\n", "--no-save")
    assert not history_file().exists()


@pytest.mark.slow
def test_seeds_are_new_unless_one_is_set(saved: Callable[..., Conversation]) -> None:
    hot = ("--temperature", "2", "--top-p", "1")
    talk = [saved("the king\n", *hot).last for _ in range(3)]
    assert len(set(talk)) > 1
    pinned = [saved("the king\n", *hot, "--seed", "5").last for _ in range(2)]
    pinned.append(saved("/set seed 5\nthe king\n", *hot).last)
    assert len(set(pinned)) == 1
    again = saved("the king\n/retry\n", *hot, "--seed", "5")
    assert len(again.messages) == 2
    assert again.last != pinned[0]


@pytest.mark.slow
def test_messages_are_undone_edited_and_answered_again(
    saved: Callable[..., Conversation],
) -> None:
    def contents(lines: str) -> list[str]:
        said = saved(lines, "--greedy").messages
        return [item.content for item in said if item.role == "user"]

    assert contents("a\nb\n/undo\nc\n") == ["a", "c"]
    assert contents("a\nb\n/edit d\n") == ["a", "d"]
    with opened_history() as archive:
        edited, before, first = archive.find(Query())[:3]
    assert (edited.prompt, edited.follows) == ("d", first.id)
    assert (before.prompt, before.follows) == ("b", first.id)
    assert contents("//a\n\n  \n/history\n") == ["/a"]


@pytest.mark.slow
def test_the_system_prompt_and_the_alphas_act_on_the_next_answer(
    chat_recipe: Recipe, saved: Callable[..., Conversation], chat: Chat
) -> None:
    other = chat_recipe.with_alphas((2.0,))
    asked = Conversation((Message("system", "Be brief."), Message("user", "the king")))
    _, text = plain_answer(other, asked)
    for lines in ("/alpha 2\n", "/alpha expert=2\n"):
        talk = saved(f"/system Be brief.\n{lines}the king\n", "--greedy")
        assert talk == asked.with_message("assistant", text)
    assert saved("/system a\n/system off\nthe king\n").system == ""
    assert chat("/alpha\n/system\n") == (
        "expert: α = 0.8\nThere is no system prompt; each role uses its own.\n"
    )


@pytest.mark.slow
def test_a_conversation_goes_on_from_a_file(
    chat_recipe: Recipe, saved: Callable[..., Conversation], tmp_path: Path
) -> None:
    path = tmp_path / "begun.json"
    waiting = Conversation((Message("user", "the king"),))
    path.write_text(json.dumps(waiting.as_json()), encoding="utf-8")
    _, text = plain_answer(chat_recipe, waiting)
    answered = waiting.with_message("assistant", text)
    for lines, options in (("", ["--load", str(path)]), (f"x\n/load {path}\n", [])):
        assert saved(lines, *options, "--greedy") == answered
    path.write_text(json.dumps(answered.as_json()), encoding="utf-8")
    following = saved("and?\n", "--load", str(path), "--greedy")
    assert following.messages[:3] == answered.with_message("user", "and?").messages


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/nope", "There is no command /nope"),
        ("/", "There is no command /"),
        ("/alpha x", "“x” is not a number"),
        ("/alpha 1 2", "more alphas than expert pairs"),
        ("/alpha Other=1", r"There is no pair “Other” \(there are Style\)"),
        ("/alpha nan", "finite number"),
        ("/set warmth 1", "There is no setting “warmth”"),
        ("/set top-k 1.5", "top-k must be a whole number"),
        ("/set top-p", "needs a value"),
        ("/set temperature hot", "“hot” is not a number"),
        ("/retry", "There is no message yet"),
        ("/edit a", "There is no message yet"),
        ("/undo", "There is no message yet"),
        ("/save", "Name a file"),
        ("/save x", "There is no message yet"),
        ("/load /nowhere/file.json", "cannot be read"),
    ],
)
def test_what_a_command_cannot_do(chat_recipe: Recipe, line: str, said: str) -> None:
    talk = Talk(chat_recipe)
    before = talk.copy()
    with pytest.raises(TuneshiftError, match=said):
        run_command(line, talk, print)
    assert talk == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (b"/nope\nthe king\n", "There is no command /nope"),
        (b"\xff\nthe king\n", "is not UTF-8"),
        (b"the king " * 600 + b"\nthe king\n", "longer than the context"),
    ],
)
def test_in_a_pipe_an_error_is_one_line_and_ends_the_conversation(
    chat_models: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    lines: bytes,
    said: str,
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines)))
    assert main([*chat_models, "--no-save"]) == 2
    output = capsys.readouterr()
    assert (output.out.strip(), output.err.count("\n")) == ("", 1)
    assert said in output.err


def test_settings_are_shown_and_changed(chat_recipe: Recipe) -> None:
    talk, shown = Talk(chat_recipe, seed=4), list[str]()
    changes = (
        "temperature 0.5",
        "top_k 7",
        "stop \\\\end",
        "max-new-tokens 9",
        "alpha-policy kl:1",
    )
    for line in changes:
        assert run_command(f"/set {line}", talk, shown.append) is Next.NOTHING
    run_command("/set", talk, shown.append)
    assert shown.pop().splitlines() == [
        "max-new-tokens 9",
        "temperature 0.5",
        "top-k 7",
        "top-p 0.95",
        "min-p 0",
        "repetition-penalty 1",
        "frequency-penalty 0",
        "presence-penalty 0",
        "seed 4",
        "alpha-policy kl:1",
        "stop '\\\\\\\\end'",
    ]
    for line, seed in (("new", None), ("9007199254740993", 2**53 + 1), ("6", 6)):
        run_command(f"/set seed {line}", talk, shown.append)
        assert talk.seed == seed
    assert talk.next_recipe(new_seed=False).sampling.seed == 6
    run_command("/set stop off", talk, shown.append)
    assert talk.recipe.sampling.stop == ()
    run_command("/help", talk, shown.append)
    assert [line.split()[0] for line in shown.pop().splitlines()] == list(COMMANDS)


@pytest.mark.slow
def test_thinking_is_printed_or_hidden(
    chat_recipe: Recipe, chat: Chat, saved: Callable[..., Conversation]
) -> None:
    """A template whose prompt begins the thinking, which the tiny models never end."""
    template = "{{ messages[-1].content }}{% if add_generation_prompt %}<think>\n{% endif %}"
    for spec in chat_recipe.checkpoints()[1:]:
        path = Path(spec.source.removeprefix("folder:"), "chat_template.jinja")
        path.write_text(template + "{# </think> #}")
    assert chat("the king\n", "--greedy").strip()
    assert chat("the king\n", "--greedy", "--hide-thinking") == ""
    talk = saved("the king\n", "--greedy")
    assert talk.last == "", "later turns would read the thinking"


@pytest.mark.slow
def test_ctrl_c_stops_an_answer_and_keeps_it(
    saved: Callable[..., Conversation], monkeypatch: pytest.MonkeyPatch
) -> None:
    write, count = ChatTerminal.write, iter(range(1000))

    def interrupting(self: ChatTerminal, kind: Kind, text: str) -> None:
        write(self, kind, text)
        if next(count) == 2:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(ChatTerminal, "write", interrupting)
    talk = saved("the king\nand?\n", "--max-new-tokens", "60", "--seed", "4", "--no-speculation")
    first, second = (item.content for item in talk.messages if item.role == "assistant")
    assert 0 < len(first) < len(second)
    with opened_history() as archive:
        reasons = [run.finish_reason for run in archive.find(Query())]
    assert reasons[-1] == "cancelled"
    assert reasons[0] in ("length", "eos", "stop")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.slow
def test_a_message_is_taken_back_if_ctrl_c_comes_before_the_first_token(
    saved: Callable[..., Conversation], monkeypatch: pytest.MonkeyPatch
) -> None:
    receive, count = RunSaver.receive, iter(range(3))

    def interrupting(self: RunSaver, event: Event) -> None:
        receive(self, event)
        if isinstance(event, RunStarted) and next(count) == 1:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(RunSaver, "receive", interrupting)
    talk = saved("a\nthe king\nb\n", "--greedy")
    assert [item.content for item in talk.messages if item.role == "user"] == ["a", "b"]


@pytest.mark.slow
def test_a_stored_conversation_is_resumed(
    chat_recipe: Recipe,
    saved: Callable[..., Conversation],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With the recipe of its last answer: no models are named."""
    talk = saved("/alpha 0.5\nthe king\n", "--greedy", "--system", "Be brief.")
    with opened_history() as archive:
        (first,) = archive.find(Query())
    asked = talk.with_message("user", "and?")
    _, text = plain_answer(chat_recipe.with_alphas((0.5,)), asked)
    path = tmp_path / "resumed.json"
    lines = f"/alpha\nand?\n/save {path}\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
    assert main(["chat", "--resume", "last", "--no-proof"]) == 0
    assert capsys.readouterr().out.startswith("expert: α = 0.5\n")
    resumed = conversation_of(json.loads(path.read_text(encoding="utf-8")))
    assert resumed == asked.with_message("assistant", text)
    with opened_history() as archive:
        assert archive.find(Query())[0].follows == first.id
    assert main(["inspect", "last"]) == 0
    assert f"message 4 of a conversation, after the answer {first.id}: and?" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--resume", "last"], "There is no history of runs yet"),
        (["--load", "/nowhere"], "cannot be read"),
        (["--prompt-format", "x"], "must be plain, chat"),
        (["--greedy", "--temperature", "1"], "cannot be combined"),
    ],
)
def test_invalid_options_are_one_line(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["chat", *options]) == 2
    output = capsys.readouterr()
    assert (output.out, output.err.count("\n")) == ("", 1)
    assert said in output.err

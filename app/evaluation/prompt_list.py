"""Lists of prompts: the lines of a text or file, JSON lines, a CSV file, or a task's questions."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

from app.checkpoints.conversation import RunPrompt, conversation_of
from app.errors import EvaluationError, PromptError
from app.evaluation.requests import ConversationPrompt
from app.evaluation.task_files import read_task, task_file

PROMPT, MESSAGES = "prompt", "messages"
_JSON_LINES = (".jsonl", ".ndjson", ".json")
_TABLES = {".csv": ",", ".tsv": "\t"}
_TASK = ".toml"


def prompts_of_lines(text: str) -> list[RunPrompt]:
    """A prompt for each line that is not empty."""
    return [line for line in text.splitlines() if line.strip()]


def read_prompts(name: str) -> list[RunPrompt]:
    """Read a list of prompts.

    Args:
        name: A file, or the name of a built-in task. A file of JSON lines has objects with
            ``prompt`` or ``messages``, or texts; a CSV or TSV file has a column ``prompt``, or one
            column; a TOML file is a task; any other file has a prompt on each line.

    Raises:
        EvaluationError: The file cannot be read, has no prompts, or has other content.
    """
    path = Path(name).expanduser()
    task = task_file(name)
    suffix = path.suffix.lower()
    if suffix == _TASK or (task is not None and task.suffix == _TASK):
        prompts = _prompts_of_task(task or path)
    elif suffix in _JSON_LINES:
        prompts = list(_prompts_of_json(_content(path), path.name))
    elif suffix in _TABLES:
        prompts = list(_prompts_of_table(_content(path), path.name, _TABLES[suffix]))
    else:
        prompts = prompts_of_lines(_content(path))
    if not prompts:
        raise EvaluationError(
            f"There are no prompts in {path.name}", next_step="Write one on each line."
        )
    return prompts


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise EvaluationError(
            f"{path.name} is not UTF-8",
            evidence=f"byte {error.start + 1:,}",
            next_step="Save it as UTF-8.",
        ) from error
    except OSError as error:
        raise EvaluationError(
            f"{path.name} cannot be read", evidence=error.strerror or str(error)
        ) from error


def _prompts_of_task(path: Path) -> list[RunPrompt]:
    prompts = [question.prompt for question in read_task(path).questions]
    return [
        prompt.conversation if isinstance(prompt, ConversationPrompt) else prompt.plain
        for prompt in prompts
    ]


def _prompts_of_json(text: str, name: str) -> Iterator[RunPrompt]:
    if text.lstrip().startswith("["):
        try:
            items = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise _not_json(name, error) from error
        for number, item in enumerate(items, 1):
            yield _prompt_of_item(item, f"Item {number:,} of {name}")
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            where = f"Line {number:,} of {name}"
            try:
                item = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise _not_json(where, error) from error
            yield _prompt_of_item(item, where)


def _not_json(where: str, error: Exception) -> EvaluationError:
    return EvaluationError(
        f"{where} is not JSON",
        evidence=str(error),
        next_step='Write a line such as {"prompt": "the king said"} for each prompt, or one list.',
    )


def _prompt_of_item(item: object, where: str) -> RunPrompt:
    if isinstance(item, dict) and MESSAGES in item:
        try:
            return conversation_of(item[MESSAGES])
        except PromptError as error:
            raise EvaluationError(f"{where}: {error.cause}", evidence=error.evidence) from error
    prompt = item.get(PROMPT) if isinstance(item, dict) else item
    if not isinstance(prompt, str) or not prompt:
        raise EvaluationError(
            f"{where} has no prompt",
            evidence=json.dumps(item, ensure_ascii=False)[:60],
            next_step='Write for example {"prompt": "the king said"}.',
        )
    return prompt


def _prompts_of_table(text: str, name: str, delimiter: str) -> Iterator[RunPrompt]:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        header = next(rows, [])
        if PROMPT in header:
            place = header.index(PROMPT)
        elif len(header) == 1:
            place, rows = 0, csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        else:
            raise EvaluationError(
                f"{name} has no column “{PROMPT}”",
                evidence=f"its columns are: {', '.join(header)}",
                next_step="Name the column of the prompts so.",
            )
        for row in rows:
            if len(row) > place and row[place].strip():
                yield row[place]
    except csv.Error as error:
        raise EvaluationError(
            f"Line {rows.line_num:,} of {name} is not CSV", evidence=str(error)
        ) from error

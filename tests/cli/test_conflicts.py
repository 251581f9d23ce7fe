"""Options that have no effect together are refused before anything is loaded."""

from __future__ import annotations

import pytest

from app.__main__ import main

RANDOM = ["bench", "--shapes", "13b,7b,7b"]
EVAL = ["eval", "--tasks", "x"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["generate", "--json", "--shifts"], "--shifts has no effect with --json"),
        (["generate", "--greedy", "--seed", "0"], "--seed has no effect with --greedy"),
        (["generate", "--temperature", "0", "--top-k", "5"], "--top-k has no effect with --temp"),
        (["generate", "--temperature", "0", "--min-p", "0"], "--min-p has no effect with --temp"),
        (["inspect", "--list", "--format", "csv"], "--format has no effect with --list"),
        (["inspect", "--search", "a", "--output", "x"], "--output has no effect with --search"),
        ([*RANDOM, "--prompt", "a"], "--prompt has no effect with --shapes"),
        ([*RANDOM, "--alpha", "1"], "--alpha has no effect with --shapes"),
        ([*RANDOM, "--quantization", "int8"], "--quantization has no effect with --shapes"),
        ([*RANDOM, "--no-proof"], "--no-proof has no effect with --shapes"),
        (["serve", "--api-key", "a", "--api-key-file", "b"], "--api-key has no effect with --api"),
        ([*EVAL, "--json", "--shifts"], "--shifts has no effect with --json"),
        ([*EVAL, "--roles", "base", "--alpha-scale", "2"], "--alpha-scale has no effect with --r"),
        ([*EVAL, "--roles", "base,expert", "--alpha", "2"], "--alpha has no effect with --roles"),
        (["eval", "--tasks", "demo-form", "--data", "demo-form=a", "--data", "b"], "No task uses"),
        (["--recipe", "demo", "generate"], "--recipe before a subcommand has no effect"),
    ],
)
def test_options_without_effect_are_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1

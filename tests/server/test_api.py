"""The API through the ``openai`` client, compared with the engine."""

from __future__ import annotations

import json
import math
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from openai import BadRequestError, NotFoundError, OpenAI

from app.attribution.row_statistics import log_softmax
from app.checkpoints.conversation import Conversation, Message, Prompt
from app.checkpoints.spec import Recipe
from app.decoding.tuned_logits import tuned_logits
from app.engine import parallel_runs
from app.engine.commands import Generate, Load
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.engine import Engine
from app.engine.events import Event, RunFinished, RunStarted, TokenDecoded
from app.server import request_queue
from tests import tiny
from tests.server.conftest import PATIENCE, Running

PROMPT = "the king said"
ASKED = "User:\nthe king said\n\nAssistant:\n"
"""A message with the text of ``PROMPT`` in the plain form of conversations."""
MODEL = "tiny-one-style"


class Headless:
    """The engine without a server, as the reference."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._events: list[Event] = []
        self._engine = Engine(self._events.append)
        self._engine.handle(Load(1, recipe, Cancellation()))

    def run(
        self, prompt: Prompt = PROMPT, alpha: float | None = None, **sampling: object
    ) -> list[TokenDecoded]:
        self._events.clear()
        alphas = self._recipe.alphas if alpha is None else (alpha,)
        config = replace(self._recipe.sampling, **sampling)  # type: ignore[arg-type]
        self._engine.handle(Generate(2, prompt, config, LiveAlphas(alphas), Cancellation()))
        assert isinstance(self._events[-1], RunFinished), self._events[-1]
        return [event for event in self._events if isinstance(event, TokenDecoded)]

    def text(self, prompt: Prompt = PROMPT, alpha: float | None = None, **sampling: object) -> str:
        return "".join(token.step.text for token in self.run(prompt, alpha, **sampling))

    @property
    def prompt_tokens(self) -> int:
        return next(e.prompt_tokens[0] for e in self._events if isinstance(e, RunStarted))


@pytest.fixture(scope="module")
def headless(served_recipe: Recipe) -> Headless:
    return Headless(served_recipe)


def test_models_lists_the_recipe(client: OpenAI) -> None:
    (model,) = client.models.list().data
    assert model.id == MODEL
    assert client.models.retrieve(MODEL) == model
    with pytest.raises(NotFoundError, match="There is no such model"):
        client.models.retrieve("gpt-4")


def test_a_completion_equals_the_engines_text(client: OpenAI, headless: Headless) -> None:
    answer = client.completions.create(model=MODEL, prompt=PROMPT)
    (choice,) = answer.choices
    tokens = headless.run()
    assert choice.text == headless.text()
    assert choice.finish_reason in ("length", "stop")
    assert answer.model == MODEL
    assert answer.usage is not None
    assert answer.usage.completion_tokens == len(tokens)
    assert answer.usage.prompt_tokens == headless.prompt_tokens


def test_a_full_context_is_a_length_to_clients(client: OpenAI) -> None:
    banned = {str(tiny.make_tokenizer().token_to_id(tiny.EOS)): -100}
    answer = client.completions.create(
        model=MODEL, prompt=PROMPT, max_tokens=10 * tiny.CONTEXT, logit_bias=banned
    )
    assert answer.usage is not None
    assert answer.usage.total_tokens == tiny.CONTEXT
    assert answer.choices[0].finish_reason == "length"


def test_sampling_parameters_are_applied(client: OpenAI, headless: Headless) -> None:
    asked = {"temperature": 1.2, "top_p": 0.9, "seed": 4, "max_tokens": 10}
    answer = client.completions.create(
        model=MODEL, prompt=PROMPT, n=3, extra_body={"top_k": 50, "min_p": 0.001}, **asked
    )
    for index, choice in enumerate(answer.choices):
        assert choice.index == index
        assert choice.text == headless.text(
            temperature=1.2, top_p=0.9, seed=4 + index, max_new_tokens=10, top_k=50, min_p=0.001
        )
    assert len({choice.text for choice in answer.choices}) > 1
    texts = {
        client.completions.create(model=MODEL, prompt=PROMPT, temperature=1.5, max_tokens=12)
        .choices[0]
        .text
        for _ in range(3)
    }
    assert len(texts) > 1  # without a seed, another text each time


def test_several_prompts(client: OpenAI, headless: Headless) -> None:
    prompts = [PROMPT, "the sea", "How many?"]
    answer = client.completions.create(model=MODEL, prompt=prompts, n=2, seed=1)
    assert [choice.text for choice in answer.choices] == [
        headless.text(prompt, seed=seed) for prompt in prompts for seed in (1, 2)
    ]


def test_alphas_per_request(client: OpenAI, headless: Headless) -> None:
    for alpha in (0.0, -2.0):
        answer = client.completions.create(
            model=MODEL, prompt=PROMPT, extra_body={"alphas": [alpha]}
        )
        assert answer.choices[0].text == headless.text(alpha=alpha)
    assert headless.text(alpha=0.0) != headless.text(alpha=-2.0)
    with pytest.raises(BadRequestError, match="one value for each expert pair"):
        client.completions.create(model=MODEL, prompt="a", extra_body={"alphas": [1, 2]})


def test_a_policy_of_alpha_per_request(client: OpenAI, headless: Headless) -> None:
    answer = client.completions.create(
        model=MODEL, prompt=PROMPT, extra_body={"alphas": [2.0], "alpha_policy": "kl:0"}
    )
    assert answer.choices[0].text == headless.text(alpha=0.0)
    with pytest.raises(BadRequestError, match="not an alpha policy"):
        client.completions.create(model=MODEL, prompt="a", extra_body={"alpha_policy": "never"})


def test_stop_strings_end_a_completion(client: OpenAI, headless: Headless) -> None:
    whole = headless.text()
    stop = whole[2:4]
    answer = client.completions.create(model=MODEL, prompt=PROMPT, stop=stop)
    assert answer.choices[0].text == whole.partition(stop)[0]
    assert answer.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("most", [0, 4])
def test_logprobs_of_completions(client: OpenAI, headless: Headless, most: int) -> None:
    answer = client.completions.create(model=MODEL, prompt=PROMPT, logprobs=most)
    given = answer.choices[0].logprobs
    tokens = headless.run()
    assert given is not None
    assert given.text_offset == [token.step.start for token in tokens]
    for place, token in enumerate(tokens):
        logprobs = log_softmax(tuned_logits(token.step.logits, token.step.alphas))
        assert given.token_logprobs[place] == pytest.approx(
            float(logprobs[token.step.token_id]), abs=1e-5
        )
        best = np.sort(logprobs)[::-1][:most]
        assert sorted(given.top_logprobs[place].values(), reverse=True) == pytest.approx(
            best.tolist(), abs=1e-5
        )


def test_logprobs_of_chat_completions(client: OpenAI, headless: Headless) -> None:
    answer = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": PROMPT}],
        logprobs=True,
        top_logprobs=3,
    )
    given = answer.choices[0].logprobs
    assert given is not None
    assert given.content is not None
    tokens = headless.run(ASKED)
    assert answer.choices[0].message.content == headless.text(ASKED)
    spelled = b"".join(bytes(item.bytes or ()) for item in given.content)
    assert spelled.decode(errors="replace") == answer.choices[0].message.content
    for item, token in zip(given.content, tokens, strict=True):
        assert item.logprob == pytest.approx(token.attribution.logprob_tuned, abs=1e-5)
        assert len(item.top_logprobs) == 3
        top = [other.logprob for other in item.top_logprobs]
        assert top == sorted(top, reverse=True)


def test_the_extension_has_each_pairs_contribution(client: OpenAI, headless: Headless) -> None:
    answer = client.completions.create(model=MODEL, prompt=PROMPT)
    extension = answer.choices[0].model_extra["tuneshift"]
    for said, token in zip(extension["tokens"], headless.run(), strict=True):
        explained = token.attribution
        assert said["token_id"] == token.step.token_id
        assert said["p_base"] == pytest.approx(explained.p_base, abs=1e-6)
        assert said["contributions"] == pytest.approx(list(explained.contributions), abs=1e-6)
        assert said["p_base"] + sum(said["contributions"]) == pytest.approx(
            said["p_tuned"], abs=1e-5
        )
        assert said["alphas"] == [0.8]
    plain = client.completions.create(model=MODEL, prompt=PROMPT, extra_body={"explain": False})
    assert "tuneshift" not in plain.choices[0].model_extra


def test_streaming(client: OpenAI, headless: Headless) -> None:
    expected = headless.text()
    stream = client.completions.create(
        model=MODEL, prompt=PROMPT, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert "".join(c.choices[0].text for c in chunks[:-1]) == expected
    assert [c.choices[0].finish_reason for c in chunks[:-2]] == [None] * len(chunks[:-2])
    assert chunks[-2].choices[0].finish_reason in ("length", "stop")
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == len(headless.run())
    chat = client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": PROMPT}], stream=True, n=2, seed=3
    )
    texts = {0: "", 1: ""}
    for chunk in chat:
        (choice,) = chunk.choices
        texts[choice.index] += choice.delta.content or ""
    assert texts == {0: headless.text(ASKED, seed=3), 1: headless.text(ASKED, seed=4)}


def test_chat_messages_use_the_prompt_format(client: OpenAI, headless: Headless) -> None:
    said = [("system", "be brief"), ("user", "the king"), ("assistant", "said"), ("user", "what?")]
    answer = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": role, "content": content} for role, content in said],  # type: ignore[misc]
    )
    conversation = Conversation(tuple(Message(role, content) for role, content in said))
    text = "be brief\n\nUser:\nthe king\n\nAssistant:\nsaid\n\nUser:\nwhat?\n\nAssistant:\n"
    assert answer.choices[0].message.content == headless.text(conversation) == headless.text(text)


def test_the_last_message_of_an_assistant_is_continued_when_asked(
    client: OpenAI, headless: Headless
) -> None:
    said = [("user", "the king"), ("assistant", "said that")]
    answer = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": role, "content": content} for role, content in said],  # type: ignore[misc]
        extra_body={"continue_final_message": True, "add_generation_prompt": False},
    )
    text = "User:\nthe king\n\nAssistant:\nsaid that"
    assert answer.choices[0].message.content == headless.text(text)


@pytest.mark.parametrize(
    ("body", "param", "said"),
    [
        ({"prompt": ""}, "prompt", "at least 1 character"),
        ({"prompt": PROMPT, "temperature": -1}, "temperature", "greater than or equal to 0"),
        ({"prompt": PROMPT, "n": 0}, "n", "greater than"),
        ({"prompt": PROMPT, "suffix": "a"}, "suffix", "“suffix” is not"),
        ({"prompt": "king " * 600}, "prompt", "longer than the context"),
        ({"prompt": PROMPT, "model": "gpt-4"}, "model", "no such model"),
        ({}, "prompt", "required"),
    ],
)
def test_errors_have_the_format_of_the_api(
    server: Running, body: dict[str, object], param: str | None, said: str
) -> None:
    status, answer = post(server, "/v1/completions", json.dumps({"model": MODEL, **body}))
    error = json.loads(answer)["error"]
    assert status in (400, 404)
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param
    assert said in error["message"]


def post(server: Running, path: str, body: str) -> tuple[int, str]:
    import httpx2

    answer = httpx2.post(
        server.url + path, content=body, headers={"content-type": "application/json"}, timeout=240
    )
    return answer.status_code, answer.text


@pytest.mark.parametrize("stream", [False, True])
def test_a_disconnected_clients_generation_is_cancelled(
    server: Running, monkeypatch: pytest.MonkeyPatch, stream: bool
) -> None:
    """The engine pauses at its third token until the server has noticed the disconnect."""
    gone, computed = threading.Event(), []
    attribute = parallel_runs.attribute_step

    class Watched(request_queue.Cancellation):
        def request(self) -> None:
            super().request()
            gone.set()

    def hold(*arguments: object, **options: object) -> object:
        computed.append(1)
        if len(computed) == 3:
            assert gone.wait(PATIENCE)
        return attribute(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(request_queue, "Cancellation", Watched)
    monkeypatch.setattr(parallel_runs, "attribute_step", hold)
    body = json.dumps({"prompt": PROMPT, "max_tokens": 400, "stream": stream})
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
        head = f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}"
        connection.sendall(f"{head}\r\nContent-Type: application/json\r\n\r\n{body}".encode())
        if stream:
            received = b""
            while b"data: " not in received:
                received += connection.recv(4096)
        else:
            wait_for(computed, 2)
    assert gone.wait(PATIENCE)
    monkeypatch.undo()
    with server.client() as client:
        assert client.completions.create(model=MODEL, prompt=PROMPT).choices[0].text
    assert len(computed) < 20


def wait_for(computed: list[int], count: int) -> None:
    beat = threading.Event()
    for _ in range(PATIENCE * 100):
        if len(computed) >= count:
            return
        beat.wait(0.01)
    raise AssertionError("nothing was computed")


@pytest.mark.slow
def test_32_concurrent_clients_get_their_own_text(server: Running, headless: Headless) -> None:
    def ask(seed: int) -> str:
        with server.client() as client:
            stream = client.completions.create(
                model=MODEL, prompt=PROMPT, temperature=1.0, seed=seed, stream=True
            )
            return "".join(chunk.choices[0].text for chunk in stream)

    with ThreadPoolExecutor(32) as pool:
        texts = list(pool.map(ask, range(32)))
    assert texts == [headless.text(temperature=1.0, seed=seed) for seed in range(32)]


def test_infinite_logprobs_are_valid_json(client: OpenAI) -> None:
    """A token with probability 0 under the base must not put −∞ into the JSON."""
    answer = client.completions.create(
        model=MODEL, prompt=PROMPT, logprobs=50, extra_body={"alphas": [300.0]}
    )
    given = answer.choices[0].logprobs
    assert given is not None
    assert all(math.isfinite(value) for value in given.token_logprobs)


def test_what_was_read_before_is_counted(client: OpenAI, headless: Headless) -> None:
    # No other test's prompt begins so: what was read before depends on the tests before.
    prompt = "~ the night was long and the sea was wide, the queen is in the garden"

    def cached(prompt: str, **options: object) -> int:
        answer = client.completions.create(model=MODEL, prompt=prompt, seed=1, **options)  # type: ignore[call-overload]
        assert answer.choices[0].text == headless.text(prompt, seed=1)
        assert answer.usage.prompt_tokens == headless.prompt_tokens
        return int(answer.usage.prompt_tokens_details.cached_tokens)

    cached("How many?")
    assert cached(prompt) <= 1
    read = headless.prompt_tokens
    assert cached(prompt) == read - 1
    assert read - 2 <= cached(prompt + " with 3 apples") <= read
    assert cached(prompt, extra_body={"cache_prompt": False}) == 0
    assert (
        cached("How many?") == 0
    )  # too short to be kept, and a text is counted before its answers
    assert cached(prompt, n=3) <= 1


def test_a_stream_counts_what_was_read_before(client: OpenAI) -> None:
    messages = [{"role": "user", "content": "the king said to the daughter"}]
    counted = []
    for _ in range(2):
        *_, last = client.chat.completions.create(
            model=MODEL,
            messages=messages,  # type: ignore[arg-type]
            stream=True,
            stream_options={"include_usage": True},
        )
        assert last.usage is not None
        assert last.usage.prompt_tokens_details is not None
        counted.append(last.usage.prompt_tokens_details.cached_tokens)
    assert counted[1] == last.usage.prompt_tokens - 1

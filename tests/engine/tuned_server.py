"""A server on loopback that answers as ``tuneshift vllm`` does, from tiny models."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import torch

from app.checkpoints.spec import Recipe
from app.decoding.combining import Pair
from app.inside_vllm.pair_steps import ServedText
from app.inside_vllm.token_records import TokenRecords
from tests import tiny

NAME = "alpha.Style"


@dataclass
class TunedServer:
    """Answers as ``tuneshift vllm`` does, greedily and from plain forward passes.

    Attributes:
        llama: Its models.
        tunes: Whether its answers have contributions.
        status: The status of all its answers.
        ends_after: After how many tokens its streams break.
        ends_with: An end-of-sequence id that it alone knows.
        asked: The bodies of the requests.
    """

    llama: tiny.Family
    tunes: bool = True
    status: int = 200
    ends_after: int | None = None
    ends_with: int | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.models = self.llama.models()
        tuned = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments: object) -> None:
                pass

            def do_GET(self) -> None:
                tuned.write(self, {"data": [{"id": "served", "max_model_len": 64}]})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                tuned.asked.append(body)
                tuned.answer(self, body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def recipe(self) -> Recipe:
        recipe = self.llama.recipe()
        source = f"endpoint:http://127.0.0.1:{self.server.server_address[1]}/v1"
        return replace(recipe, base=replace(recipe.base, source=source, tuned=True))

    def rows(self, ids: list[int]) -> list[torch.Tensor]:
        with torch.inference_mode():
            return [model(torch.tensor([ids])).logits[0, -1] for model in self.models]

    def write(self, handler: BaseHTTPRequestHandler, content: object, status: int = 200) -> None:
        data = json.dumps(content).encode()
        handler.send_response(status)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def answer(self, handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        if self.status != 200:
            self.write(handler, {"error": {"message": "no"}}, self.status)
        elif NAME not in body["vllm_xargs"]:
            error = {"message": "There is no pair “Other” (the pairs are “Style”)."}
            self.write(handler, {"error": error}, 400)
        elif not body.get("stream"):
            ids = tiny.make_tokenizer().encode(body["prompt"]).ids
            choice: dict[str, Any] = {"prompt_token_ids": ids, "token_ids": [1]}
            if self.tunes:
                choice["tuneshift"] = {"tokens": list(self.records(ids, 1, 1.0))}
            self.write(handler, {"choices": [choice]})
        else:
            self.stream(handler, body)

    def stream(self, handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        handler.send_response(200)
        handler.send_header("content-type", "text/event-stream")
        handler.end_headers()
        alpha = body["vllm_xargs"][NAME]
        told = body["vllm_xargs"]["contributions"] and self.tunes
        for place, record in enumerate(self.records(body["prompt"], body["max_tokens"], alpha)):
            if place == self.ends_after:
                return
            token = record["token_id"]
            choice = {"token_ids": [token], "logprobs": {"token_logprobs": [0.0]}}
            if told:
                choice["tuneshift"] = {"tokens": [record]}
            if token in (*body["stop_token_ids"], self.ends_with):
                choice["finish_reason"] = "stop"
            try:
                handler.wfile.write(f"data: {json.dumps({'choices': [choice]})}\n\n".encode())
            except OSError:  # the client has asked anew
                return
            if "finish_reason" in choice:
                break
        handler.wfile.write(b"data: [DONE]\n\n")

    def records(self, prompt: list[int], count: int, alpha: float) -> Iterator[dict[str, Any]]:
        pairs = SimpleNamespace(
            pairs=(Pair("Style", 0, 1),), names=("a", "b"), vocabulary_size=tiny.VOCABULARY
        )
        records = TokenRecords(pairs, tiny.make_tokenizer())  # type: ignore[arg-type]
        output: list[int] = []
        text = ServedText((), output, (alpha,))
        records.begin(text, prompt)
        for _ in range(count):
            base, expert, antiexpert = self.rows([*prompt, *output])
            records.keep(text, base, torch.stack([expert, antiexpert]))
            output.append(int((base + alpha * (expert - antiexpert)).argmax()))
            record = records.known(text)
            assert record is not None
            yield record

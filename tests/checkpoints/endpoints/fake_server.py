"""A small OpenAI-compatible completions server on loopback over a tiny model, with faults."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

Json = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """What a server understands.

    Attributes:
        reads_ids: Whether a prompt may be a list of ids.
        token_ids: Whether it knows ``return_tokens_as_token_ids``, as vLLM does.
        prompt_logprobs: Whether it knows them, as vLLM does.
        echo: Whether it knows ``echo``.
        strict: Whether it refuses what it does not know, as the OpenAI API does.
        content: Whether log-probabilities come as llama.cpp's server has them.
        after: Whether its echo has at each token what is expected after it, and special tokens are
            without text, as llama-cpp-python has it.
        most: The most log-probabilities it gives.
        shift: Added to every id that it reads or names: a server with another tokenizer.
    """

    reads_ids: bool = True
    token_ids: bool = False
    prompt_logprobs: bool = False
    echo: bool = False
    strict: bool = False
    content: bool = False
    after: bool = False
    most: int = 1_000_000
    shift: int = 0


VLLM = Kind(token_ids=True, prompt_logprobs=True, echo=True)
OPENAI = Kind(echo=True, strict=True)
TEXT_ONLY = Kind(reads_ids=False, echo=True)
LLAMA_CPP = Kind(content=True)
LLAMA_CPP_PYTHON = Kind(reads_ids=False, echo=True, after=True)
PLAIN = Kind()


@dataclass
class Fault:
    """What is answered in place of the next request.

    Attributes:
        status: Of the answer.
        body: Of the answer.
        headers: Of the answer.
        cut: Whether the connection is closed in the middle of the body.
        change: Changes the true answer instead.
        hold: Waited for before anything is answered.
    """

    status: int = 200
    body: str = ""
    headers: Json = field(default_factory=dict)
    cut: bool = False
    change: Callable[[Json], None] | None = None
    hold: threading.Event | None = None


class FakeServer:
    """Serves ``model`` until it is closed.

    Attributes:
        kind: What it understands; may be changed.
        key: What it wants to see, or nothing.
        faults: Answered first, one for each request for a completion.
        seen: The bodies of requests for completions.
        headers: Of the same.
        connections: How many were opened.
    """

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, kind: Kind = VLLM
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.kind = kind
        self.key = ""
        self.models: list[Json] | None = [{"id": "tiny", "max_model_len": 512}]
        self.faults: list[Fault] = []
        self.seen: list[Json] = []
        self.headers: list[dict[str, str]] = []
        self.connections = 0
        self.arrived = threading.Semaphore(0)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    @property
    def prompts(self) -> list[Any]:
        return [body["prompt"] for body in self.seen]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def complete(self, body: Json) -> tuple[int, Json]:
        """The answer to a request for a completion."""
        refusal = self._refusal(body)
        if refusal:
            return 400, {"error": {"message": refusal, "type": "BadRequestError"}}
        top = body["logprobs"]
        prompt = body["prompt"]
        as_text = isinstance(prompt, str)
        ids = self.tokenizer(prompt)["input_ids"] if as_text else prompt
        ids = [index - (0 if as_text else self.kind.shift) for index in ids]
        rows = self.logprobs(ids)
        best = int(rows[-1].argmax())
        named = body.get("return_tokens_as_token_ids", False) and self.kind.token_ids
        positions = [*([None] if ids else []), *rows[:-1]] if body.get("echo") else []
        tokens = [*ids, best] if body.get("echo") else [best]
        if body.get("echo") and self.kind.after:
            positions, tokens = [None, *rows[1:-1]], ids
        choice = {
            "index": 0,
            "text": self.tokenizer.decode([best]),
            "finish_reason": "stop" if best == self.tokenizer.eos_token_id else "length",
            "logprobs": self._say([*positions, rows[-1]], tokens, top, named),
        }
        if "prompt_logprobs" in body and self.kind.prompt_logprobs:
            choice["prompt_logprobs"] = self._by_id(ids, rows, body["prompt_logprobs"])
        usage = {"prompt_tokens": len(ids), "completion_tokens": 1, "total_tokens": len(ids) + 1}
        return 200, {"object": "text_completion", "choices": [choice], "usage": usage}

    def logprobs(self, ids: Sequence[int]) -> torch.Tensor:
        """What the model says after every token, [n, V], without a cache."""
        with torch.no_grad():
            logits = self.model(input_ids=torch.tensor([list(ids)]), use_cache=False).logits[0]
        return torch.log_softmax(logits.double(), -1)

    def _refusal(self, body: Json) -> str:
        known = {"model", "prompt", "max_tokens", "temperature", "logprobs", "echo"}
        if self.kind.strict and (extra := sorted(set(body) - known)):
            return f"Unrecognized request argument supplied: {extra[0]}"
        if isinstance(body["prompt"], list) and not self.kind.reads_ids:
            return "Input should be a valid string"
        if body.get("echo") and not self.kind.echo:
            return "echo is not supported"
        if body["logprobs"] > self.kind.most:
            return f"Requested sample logprobs of {body['logprobs']}, which is greater than allowed"
        return ""

    def _say(self, rows: list[Any], tokens: list[int], top: int, named: bool) -> Json:
        if self.kind.content:
            return {"content": [self._entry(rows[-1], top)]}
        return {
            "tokens": [self._name(index, named) for index in tokens],
            "top_logprobs": [None if row is None else self._table(row, top, named) for row in rows],
        }

    def _table(self, row: torch.Tensor, top: int, named: bool) -> Json:
        return {self._name(index, named): row[index].item() for index in _best(row, top)}

    def _entry(self, row: torch.Tensor, top: int) -> Json:
        listed = [
            {
                "id": index + self.kind.shift,
                "token": self._name(index, False),
                "bytes": list(self._bytes(index)),
                "logprob": row[index].item(),
            }
            for index in _best(row, top)
        ]
        return {**listed[0], "top_logprobs": listed}

    def _by_id(self, ids: list[int], rows: torch.Tensor, top: int) -> list[Json | None]:
        said: list[Json | None] = [None]
        for place in range(1, len(ids)):
            row = rows[place - 1]
            listed = dict.fromkeys([ids[place], *_best(row, top)])  # the given one in any case
            said.append({str(index): {"logprob": row[index].item()} for index in listed})
        return said

    def _bytes(self, index: int) -> bytes:
        token = self.tokenizer.convert_ids_to_tokens(index)
        if index in self.tokenizer.all_special_ids:
            return token.encode()
        return bytes(_BYTES[character] for character in token)

    def _name(self, index: int, named: bool) -> str:
        if self.kind.after and index in self.tokenizer.all_special_ids:
            return ""
        if named:
            return f"token_id:{index + self.kind.shift}"
        spelled = self._bytes(index)
        try:
            return spelled.decode()
        except UnicodeDecodeError:
            return "bytes:" + "".join(f"\\x{byte:02x}" for byte in spelled)


def _best(row: torch.Tensor, top: int) -> list[int]:
    found: list[int] = torch.topk(row, len(row) if top < 0 else min(top, len(row))).indices.tolist()
    return found


def _byte_characters() -> dict[str, int]:
    """The byte-level alphabet as GPT-2 has it: what prints is itself, the rest follows U+0100."""
    printed = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printed]
    return {chr(byte): byte for byte in printed} | {
        chr(256 + place): byte for place, byte in enumerate(others)
    }


_BYTES = _byte_characters()


def _handler(fake: FakeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            fake.connections += 1

        def do_GET(self) -> None:
            if self._refused():
                return
            if fake.models is None:
                self._answer(404, '{"detail": "Not Found"}')
            else:
                self._answer(200, json.dumps({"object": "list", "data": fake.models}))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if self._refused():
                return
            fake.seen.append(body)
            fake.headers.append({name.lower(): value for name, value in self.headers.items()})
            fault = fake.faults.pop(0) if fake.faults else None
            fake.arrived.release()
            if fault is not None and fault.hold is not None:
                fault.hold.wait(60)
            if fault is None or fault.change is not None or fault.hold is not None:
                status, answer = fake.complete(body)
                if fault is not None and fault.change is not None:
                    fault.change(answer)
                self._answer(status, json.dumps(answer))
            else:
                self._answer(fault.status, fault.body, fault.headers, cut=fault.cut)

        def _refused(self) -> bool:
            wrong = bool(fake.key) and self.headers["authorization"] != f"Bearer {fake.key}"
            if wrong:
                given = self.headers["authorization"] or "no key"
                self._answer(401, json.dumps({"error": {"message": f"Incorrect key: {given}"}}))
            return wrong

        def _answer(
            self, status: int, body: str, headers: Json | None = None, *, cut: bool = False
        ) -> None:
            data = body.encode()
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data) + (100 if cut else 0)))
            self.end_headers()
            try:
                self.wfile.write(data)
            except OSError:  # whoever asked has gone
                cut = True
            self.close_connection = self.close_connection or cut

        def log_message(self, *arguments: object) -> None:
            pass

    return Handler

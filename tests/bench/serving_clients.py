"""Streaming clients of a server, in a process of their own: they do not take the server's lock.

python -m tests.bench.serving_clients URL PROMPT CLIENTS TEXTS

Prints the speed of all of them as JSON.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from urllib.parse import urlsplit


def measure(url: str, prompt: str, clients: int, texts: int) -> dict[str, float]:
    """The speed of so many clients, which read so many texts, in a process of their own."""
    given = [url, prompt, str(clients), str(texts)]
    command = [sys.executable, "-m", "tests.bench.serving_clients", *given]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    found: dict[str, float] = json.loads(printed)
    return found


def main() -> None:
    url, prompt, clients, texts = sys.argv[1:]
    started = time.perf_counter()
    with ThreadPoolExecutor(int(clients)) as pool:
        answers = list(pool.map(lambda seed: _ask(url, prompt, seed), range(int(texts))))
    seconds = time.perf_counter() - started
    speed = {
        "tokens_per_second": sum(tokens for tokens, _, _ in answers) / seconds,
        "median_seconds_to_first_token": statistics.median(first for _, first, _ in answers),
        "longest_seconds": max(last for _, _, last in answers),
    }
    print(json.dumps(speed))


def _ask(url: str, prompt: str, seed: int) -> tuple[int, float, float]:
    """Tokens of one stream, and seconds until the first and the last of them."""
    place = urlsplit(url)
    body = json.dumps({"prompt": prompt, "seed": seed, "stream": True})
    started = time.perf_counter()
    first, tokens = 0.0, 0
    connection = HTTPConnection(place.netloc, timeout=600)
    connection.request("POST", place.path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"the server answered with status {answer.status}")
    for line in answer:
        if line.startswith(b"data: {") and b'"finish_reason": null' in line:
            tokens += 1
            first = first or time.perf_counter() - started
    connection.close()
    return tokens, first, time.perf_counter() - started


if __name__ == "__main__":
    main()

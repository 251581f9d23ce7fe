"""Real servers of vLLM, each of which several modules use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.inside_vllm.running_server import Models, Server, running


@pytest.fixture(scope="session", params=["llama", "qwen2"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server with two pairs, one of them LoRA."""
    folder = tmp_path_factory.mktemp("served")
    # vLLM calls a tool that is required only with a parser, whose format the structure replaces.
    tools = ["--enable-auto-tool-choice", "--tool-call-parser", "hermes"]
    with running(Models(folder, request.param), *tools) as found:
        yield found

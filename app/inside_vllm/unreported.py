"""What cannot be answered with proxy-tuning, or with contributions, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.errors import SettingsError
from app.inside_vllm.alpha_arguments import CONTRIBUTIONS

_V2 = "v2_processor"
_UNTUNED = (
    "/cohere/v2/chat",
    "/generative_scoring",
    "/inference/v1/generate",
    "/invocations",
    "/v1/audio/transcriptions",
    "/v1/audio/translations",
    "/v1/chat/completions/batch",
    "/v1/systemone",
)
"""Where vLLM generates and does not pass the arguments of a request on to its texts, or where a
failure of the pairs could not be told."""


def check_path(path: str) -> None:
    """Check that each text that is generated for a path can be tuned.

    Raises:
        SettingsError: It cannot.
    """
    if path in _UNTUNED:
        raise SettingsError(
            f"{path} cannot be had with proxy-tuning",
            next_step="Ask /v1/completions or /v1/chat/completions.",
        )


def check_kind(content: Mapping[str, Any]) -> None:
    """Check that each text of a request gets the α of the request, and can be told to have failed.

    Raises:
        SettingsError: It is of another kind.
    """
    if content.get("use_beam_search"):
        raise SettingsError(
            "Beam search cannot be had with proxy-tuning",
            evidence="vLLM does not pass the arguments of a request on to its beams",
            next_step="Leave use_beam_search out.",
        )
    if content.get("background"):
        raise SettingsError(
            "An answer in the background cannot be had with proxy-tuning",
            evidence="a failure of the pairs could not be told",
            next_step="Leave background out, or set stream.",
        )


def check_one_answer(content: Mapping[str, Any]) -> None:
    """Check that a request that asks for contributions has one prompt and one answer to it.

    Raises:
        SettingsError: It has several, or its answer begins with the prompt.
    """
    prompt = content.get("prompt")
    several = isinstance(prompt, list) and any(not isinstance(part, int) for part in prompt)
    for name, refused in {
        "n": (content.get("n") or 1) != 1,
        "prompt": several,
        "echo": bool(content.get("echo")),
    }.items():
        if refused:
            raise SettingsError(
                f"A request with {CONTRIBUTIONS} has one prompt and one answer without the prompt",
                evidence=f"{name} is {'a list of several' if name == 'prompt' else content[name]}",
                next_step="Send a request for each.",
            )


def require_channel(config: Any) -> None:
    """Check that the engine can report to this process.

    Args:
        config: The configuration of vLLM.

    Raises:
        SettingsError: It cannot.
    """
    if not is_on_one_machine(config):
        raise SettingsError(
            f"There are no {CONTRIBUTIONS} where the engine may run on several nodes",
            evidence="they go through a socket of one machine",
            next_step="Leave them out, or start vLLM on one node without Ray.",
        )
    if config.scheduler_config.async_scheduling:
        raise SettingsError(
            f"There are no {CONTRIBUTIONS} with asynchronous scheduling",
            evidence="a processor does not get the last token of a text then",
            next_step="Start vLLM with --no-async-scheduling.",
        )
    if any(_V2 in str(name) for name in config.model_config.logits_processors or ()):
        raise SettingsError(
            f"There are no {CONTRIBUTIONS} with the V2 model runner",
            evidence="it does not say when a text ends",
            next_step="Start vLLM with VLLM_USE_V2_MODEL_RUNNER=0.",
        )


def is_on_one_machine(config: Any) -> bool:
    """Whether every process of vLLM's engine is surely on the machine of the API process.

    Args:
        config: The configuration of vLLM.
    """
    parallel = config.parallel_config
    here = parallel.data_parallel_size_local == parallel.data_parallel_size
    ray = "ray" in (parallel.distributed_executor_backend, parallel.data_parallel_backend)
    return parallel.nnodes == 1 and not ray and (here or parallel.local_engines_only)

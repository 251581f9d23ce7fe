"""What cannot be answered with contributions, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.errors import SettingsError
from app.inside_vllm.alpha_arguments import CONTRIBUTIONS

_V2 = "v2_processor"


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
        "use_beam_search": bool(content.get("use_beam_search")),
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
    parallel = config.parallel_config
    if parallel.nnodes > 1 or parallel.distributed_executor_backend == "ray":
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

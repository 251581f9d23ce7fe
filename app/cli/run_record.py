"""The events of a run of ``tuneshift generate``, collected for its reports."""

from __future__ import annotations

from app.decoding.capture_stats import CaptureStats
from app.decoding.remote import EndpointUsage
from app.decoding.skip_counts import SkipCounts
from app.decoding.speculation_stats import SpeculationStats
from app.decoding.types import FinishReason
from app.engine.events import TokenDecoded


class RunRecord:
    """The collected events of one run."""

    def __init__(self) -> None:
        self.prompt_tokens: tuple[int, ...] = ()
        self.tokens: list[TokenDecoded] = []
        self.finish_reason: FinishReason | None = None
        self.tokens_per_second: float | None = None
        self.speculation: SpeculationStats | None = None
        self.endpoint_usage: EndpointUsage | None = None
        self.captures = CaptureStats()
        self.skipped: SkipCounts | None = None

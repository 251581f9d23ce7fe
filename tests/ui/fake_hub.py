"""In-memory replacement of ``app.checkpoints.hub``, with content and a log of requests."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from app.checkpoints import hub
from app.checkpoints.hub import (
    CachedModel,
    DownloadProgress,
    HubHit,
    HubId,
    HubModel,
)
from app.errors import Cancelled, TuneshiftError

PATIENCE = 120.0
"""Timeout in seconds of a download that waits for the test."""


class Transfer:
    """A download whose progress the test controls."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.began = threading.Event()
        self.proceed = threading.Event()
        self.error: TuneshiftError | None = None
        self.cancelled = False
        self.progress: Callable[[DownloadProgress], None] = lambda _: None

    def report(self, done: int, total: int, file: str = "model.safetensors") -> None:
        self.progress(DownloadProgress(done, total, file))

    def finish(self, error: TuneshiftError | None = None) -> None:
        self.error = error
        self.proceed.set()


@dataclass
class FakeHub:
    """Content of the fake: models by id, and errors by the function that raises them."""

    models: dict[str, HubModel] = field(default_factory=dict)
    cached: list[CachedModel] = field(default_factory=list)
    errors: dict[str, TuneshiftError] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    disk: int = 40_000_000_000

    def add(self, repo: str, size: int = 988_000_000, gated: bool = False) -> HubModel:
        commit = f"{len(self.models):040x}"
        model = HubModel(
            id=HubId(repo),
            commit=commit,
            licence="apache-2.0",
            gated=gated,
            size=size,
            cached=0,
            architecture="Qwen2ForCausalLM",
            files=(),
        )
        self.models[repo] = model
        return model

    def cache(self, repo: str, complete: bool = True) -> CachedModel:
        model = CachedModel(
            id=repo,
            commit=f"{len(self.cached) + 1:040x}",
            size=500_000_000,
            last_used=1.7e9,
            complete=complete,
            names=("main",),
        )
        self.cached.append(model)
        return model

    @property
    def online(self) -> list[tuple[str, str]]:
        """Log of requests that would use the network."""
        names = ("search", "describe", "fetch_metadata", "download")
        return [asked for asked in self.asked if asked[0] in names]

    def _note(self, name: str, about: str = "") -> None:
        self.asked.append((name, about))
        if name in self.errors:
            raise self.errors[name]

    def search(self, text: str, limit: int = 20) -> list[HubHit]:
        self._note("search", text)
        return [
            HubHit(id=m.id.repo, downloads=1_234_567, likes=89, gated=m.gated, size=m.size)
            for m in self.models.values()
            if text.lower() in m.id.repo.lower()
        ]

    def describe(self, hub_id: HubId) -> HubModel:
        self._note("describe", str(hub_id))
        return replace(self.models[hub_id.repo], id=hub_id)

    def fetch_metadata(self, hub_id: HubId, cancelled: Callable[[], bool] = lambda: False) -> Path:
        self._note("fetch_metadata", str(hub_id))
        return Path("/cache") / hub_id.repo

    def download(
        self,
        hub_id: HubId,
        on_progress: Callable[[DownloadProgress], None],
        cancelled: Callable[[], bool],
    ) -> Path:
        transfer = Transfer(f"hub:{hub_id}")
        transfer.progress = on_progress
        self.transfers.append(transfer)
        self._note("download", str(hub_id))
        transfer.began.set()
        waited = 0.0
        while not transfer.proceed.wait(0.01):
            waited += 0.01
            if cancelled() or waited > PATIENCE:
                transfer.cancelled = True
                raise Cancelled
        if transfer.error:
            raise transfer.error
        self.cache(hub_id.repo)
        return Path("/cache") / hub_id.repo

    def cached_folder(self, hub_id: HubId) -> Path | None:
        self._note("cached_folder", str(hub_id))
        known = any(model.id == hub_id.repo and model.complete for model in self.cached)
        return Path("/cache") / hub_id.repo if known else None

    def cached_models(self) -> list[CachedModel]:
        self._note("cached_models")
        return list(self.cached)

    def delete_cached(self, models: list[CachedModel]) -> int:
        self._note("delete_cached", ", ".join(model.id for model in models))
        self.cached = [model for model in self.cached if model not in models]
        return sum(model.size for model in models)

    def free_disk(self) -> int:
        return self.disk

    def cache_folder(self) -> Path:
        return Path("/cache")


NAMES = (
    "search",
    "describe",
    "fetch_metadata",
    "download",
    "cached_folder",
    "cached_models",
    "delete_cached",
    "free_disk",
    "cache_folder",
)
"""Functions of the real module that the fake replaces."""


@pytest.fixture
def fake_hub(monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    """Fixture that replaces the real module by the fake."""
    fake = FakeHub()
    for name in NAMES:
        monkeypatch.setattr(hub, name, getattr(fake, name))
    return fake

"""Search of the Hub, and details of a model before it is downloaded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from app.checkpoints.hub import cache
from app.checkpoints.hub.hub_client import SECONDS_TO_ANSWER, Guard, prepare
from app.checkpoints.hub.hub_errors import explained
from app.checkpoints.hub.ids import HubId
from app.checkpoints.hub.repository_files import HubFile, needed_files


@dataclass(frozen=True, slots=True)
class HubHit:
    """One result of a search.

    Attributes:
        size: Bytes of its weights by their numbers and dtypes; 0 if the Hub does not say.
    """

    id: str
    downloads: int
    likes: int
    gated: bool
    size: int = 0


@dataclass(frozen=True, slots=True)
class HubModel:
    """Details of a model on the Hub.

    Attributes:
        id: The repository and the requested revision.
        commit: The commit that the revision points to now.
        licence: The licence in the model card, or empty.
        gated: Whether the owner requires an agreement before a download.
        size: Bytes of the needed files.
        cached: Bytes of those that are in the cache already.
        architecture: Such as ``LlamaForCausalLM``, or empty.
        files: The needed files, small ones first.
    """

    id: HubId
    commit: str
    licence: str
    gated: bool
    size: int
    cached: int
    architecture: str
    files: tuple[HubFile, ...]

    @property
    def missing(self) -> int:
        """Bytes to download."""
        return self.size - self.cached


def search(text: str, limit: int = 20) -> list[HubHit]:
    """Models with safetensors weights whose names contain ``text``, most downloaded first.

    Raises:
        HubError: The Hub cannot be reached.
    """
    if not text.strip():
        return []
    from huggingface_hub import HfApi

    prepare()
    with explained(), Guard():
        found = HfApi().list_models(
            search=text.strip(),
            filter="safetensors",
            sort="downloads",
            limit=limit,
            expand=["downloads", "likes", "gated", "safetensors"],
        )
        return [
            HubHit(
                model.id,
                model.downloads or 0,
                model.likes or 0,
                bool(model.gated),
                _weight_bytes(model.safetensors),
            )
            for model in found
        ]


def describe(hub_id: HubId) -> HubModel:
    """Details of a model, from the Hub; nothing is downloaded.

    Raises:
        HubError: The Hub cannot be reached, or the model has no weights that Tuneshift can load.
    """
    from huggingface_hub import HfApi

    prepare()
    with explained(hub_id), Guard():
        info = HfApi().model_info(
            hub_id.repo,
            revision=hub_id.revision,
            files_metadata=True,
            timeout=SECONDS_TO_ANSWER,
        )
    files = needed_files(hub_id, [_file(sibling) for sibling in info.siblings or ()])
    commit = str(info.sha)
    return HubModel(
        id=hub_id,
        commit=commit,
        licence=_licence(info),
        gated=bool(info.gated),
        size=sum(file.size for file in files),
        cached=sum(file.size for file in files if cache.has_file(hub_id.repo, commit, file)),
        architecture=_architecture(info.config),
        files=files,
    )


def _weight_bytes(about: Any) -> int:
    """Bytes of weights by their numbers in each dtype, such as ``{"BF16": 494032768}``."""
    counts: dict[str, int] = about.parameters if about else {}
    return sum(count * _bits(dtype) // 8 for dtype, count in counts.items())


def _bits(dtype: str) -> int:
    """The bits of a dtype of safetensors, which are in its name: 16 of ``BF16``, 8 of ``BOOL``."""
    found = re.search(r"\d+", dtype)
    return int(found[0]) if found else 8


def _file(sibling: Any) -> HubFile:
    sha256 = sibling.lfs.sha256 if sibling.lfs else ""
    return HubFile(sibling.rfilename, sibling.size or 0, sha256, sibling.blob_id or "")


def _licence(info: Any) -> str:
    card = info.card_data.to_dict() if info.card_data else {}
    named = card.get("license_name") if card.get("license") == "other" else card.get("license")
    if named:
        return str(named)
    tags = [tag for tag in info.tags or () if tag.startswith("license:")]
    return tags[0].partition(":")[2] if tags else ""


def _architecture(config: Any) -> str:
    if not isinstance(config, dict):
        return ""
    architectures = config.get("architectures") or [config.get("model_type") or ""]
    return str(architectures[0])

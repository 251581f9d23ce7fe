"""Client of the Hugging Face Hub: search, model details, download, and the local cache.

Nothing here uses the network unless a person asks for it; offline functions are marked. Everything
is synchronous; ``huggingface_hub`` is imported when it is first needed. Only safetensors weights,
configurations and tokenizer files are fetched: never pickles, and never code.
"""

from app.checkpoints.hub.cache import (
    CachedModel,
    cache_folder,
    cached_folder,
    cached_models,
    delete_cached,
    free_disk,
    metadata_folder,
    tensor_headers,
)
from app.checkpoints.hub.catalogue import HubHit, HubModel, describe, search
from app.checkpoints.hub.hub_errors import UnreachableError
from app.checkpoints.hub.ids import HubId, parse
from app.checkpoints.hub.pace import Pace
from app.checkpoints.hub.repository_files import HubFile
from app.checkpoints.hub.transfer import DownloadProgress, download, fetch_metadata

__all__ = [
    "CachedModel",
    "DownloadProgress",
    "HubFile",
    "HubHit",
    "HubId",
    "HubModel",
    "Pace",
    "UnreachableError",
    "cache_folder",
    "cached_folder",
    "cached_models",
    "delete_cached",
    "describe",
    "download",
    "fetch_metadata",
    "free_disk",
    "metadata_folder",
    "parse",
    "search",
    "tensor_headers",
]

"""Memory estimate of a recipe from configurations and weight headers alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.checkpoints.context_length import role_context
from app.checkpoints.devices import free_bytes, resolve_device, total_bytes
from app.checkpoints.engine_options import LLAMA_CPP
from app.checkpoints.host_memory import mapped_weight_bytes
from app.checkpoints.memory.demand import HOST, KEPT_ROWS, Demand, RoleDemand, add_up
from app.checkpoints.memory.footprint import BYTES, Footprint
from app.checkpoints.memory.llama_layers import split_layers
from app.checkpoints.memory.memory_changes import RoleFacts, find_changes
from app.checkpoints.memory.role_footprint import footprint_of
from app.checkpoints.opening import OpenedRecipe, OpenedRole
from app.checkpoints.preflight_report import DeviceMemory, MemoryEstimate
from app.checkpoints.spec import Recipe
from app.checkpoints.weights_key import weights_keys
from app.decoding.step_sizes import USUAL_CONTEXT
from app.errors import DeviceError

_STORED = {"BF16": "bfloat16", "F16": "float16", "F32": "float32"}


def estimate_memory(
    opened: OpenedRecipe,
    about_to_be_freed: Mapping[str, int],
    kept_rows: int = KEPT_ROWS,
    prefix_bytes: int = 0,
) -> MemoryEstimate:
    """Estimate the memory that ``opened`` needs on each device, and changes that reduce it.

    Args:
        opened: The recipe with its files; its weights need not be downloaded.
        about_to_be_freed: Bytes that unloading the current models frees, for each device.
        kept_rows: Bound of the rows that are kept for inspection, in bytes.
        prefix_bytes: Bound of the KV caches of earlier texts, in bytes.

    Raises:
        CheckpointError: transformers has no causal language model for a configuration.
        DeviceError: This machine does not have a device that the recipe names.
    """
    estimator = _Estimator(opened, about_to_be_freed, kept_rows, prefix_bytes)
    estimate = estimator.estimate(opened.recipe)
    if estimate.fits:
        return estimate
    changes = find_changes(opened.recipe, estimator.facts(), estimate, estimator.estimate)
    return replace(estimate, changes=changes)


def does_not_fit(estimate: MemoryEstimate) -> DeviceError:
    """The error for a recipe that needs more memory than is free."""
    full = next(device for device in estimate.devices if not device.fits)
    helps = next((change.label for change in estimate.changes if change.fits), None)
    step = f"It would fit with: {helps}." if helps else "Choose smaller models."
    return DeviceError(
        f"This recipe does not fit into the memory of {full.device}",
        evidence=f"needed {full.peak / 1e9:.1f} GB, free {full.free / 1e9:.1f} GB, "
        f"for {estimate.context:,} tokens",
        next_step=f"{step} It can be loaded anyway.",
    )


@dataclass(frozen=True, slots=True)
class _Model:
    """Facts of one checkpoint that do not depend on the requested dtype."""

    footprint: Footprint
    dtype: str
    context: int | None


class _Estimator:
    """Estimates a recipe and variants of it; each model is measured once."""

    def __init__(
        self,
        opened: OpenedRecipe,
        about_to_be_freed: Mapping[str, int],
        kept_rows: int,
        prefix_bytes: int,
    ) -> None:
        self._opened = opened
        self._kept_rows = kept_rows
        self._prefix_bytes = prefix_bytes
        self._models: dict[str, _Model] = {}
        self._free: dict[str, int] = {}
        self._about_to_be_freed = about_to_be_freed

    def estimate(self, recipe: Recipe) -> MemoryEstimate:
        """The estimate of a recipe that differs from the opened one only in settings."""
        if recipe.base.tuned:  # all models are on a server
            return MemoryEstimate(recipe.context, ())
        specs = recipe.checkpoints()
        roles = [
            replace(role, spec=spec)
            for role, spec in zip(self._opened.roles, specs, strict=True)
            if not spec.is_endpoint  # which takes nothing here
        ]
        models = [self._model(role) for role in roles]
        context = recipe.context or _default_context(models)
        demands = [
            self._llama_demand(role, model, context)
            if role.engine == LLAMA_CPP
            else _demand(role, model)
            for role, model in zip(roles, models, strict=True)
        ]
        found = add_up(demands, len(recipe.pairs), context, self._kept_rows, self._free_on)
        return MemoryEstimate(
            context,
            tuple(self._device(device, demand) for device, demand in found.items()),
            uncounted=tuple(
                role.name for role in roles if not self._model(role).footprint.cache_known
            ),
        )

    def facts(self) -> list[RoleFacts]:
        """Facts about each role of the opened recipe."""
        return [
            RoleFacts(
                dtype=_dtype(role, self._model(role)),
                quantizable=not (
                    _is_stored_quantized(role) or role.spec.is_endpoint or role.engine == LLAMA_CPP
                ),
                accelerated=role.engine != LLAMA_CPP
                and not role.spec.is_endpoint
                and resolve_device(role.spec.device) != "cpu",
            )
            for role in self._opened.roles
        ]

    def _model(self, role: OpenedRole) -> _Model:
        key = str(role.files.folder.resolve())
        if key not in self._models:
            self._models[key] = _inspect(role)
        return self._models[key]

    def _llama_demand(self, role: OpenedRole, model: _Model, context: int) -> RoleDemand:
        """What a role that llama.cpp reads needs: its weights are kept as they are in the file."""
        spec, size = role.spec, role.files.weight_bytes
        device = resolve_device(spec.device, role.engine)
        adapter = role.files.adapter
        weights_key, adapted_key = weights_keys(role, device)
        here = size
        if device != HOST:
            free = self._free_on(device)
            here = split_layers(
                role.files.tensors, model.footprint, spec.gpu_layers, context, spec.kv_cache, free
            ).on_device
        return RoleDemand(
            name=role.name,
            weights_key=weights_key,
            context_key=(adapted_key, spec.prompt, spec.system, spec.kv_cache),
            adapter_key=adapted_key if adapter else None,
            device=device,
            offload=False,
            engine=role.engine,
            dtype=spec.kv_cache,
            quantized=False,
            footprint=model.footprint,
            weights=min(here, size),
            whole=size,
            adapter=adapter.weight_bytes if adapter else 0,
            quantizing=0,
            file=size,
            converted=0,
        )

    def _device(self, device: str, demand: Demand) -> DeviceMemory:
        left = max(0, self._free_on(device) - demand.peak)
        caches = any(part.kind == "cache" for part in demand.parts)
        return DeviceMemory(
            device=device,
            parts=demand.parts,
            peak=demand.peak,
            free=self._free_on(device),
            total=total_bytes(device),
            resident_peak=demand.resident_peak,
            earlier_texts=min(self._prefix_bytes, left // 2) if caches else 0,
            each_text=demand.each_text,
        )

    def _free_on(self, device: str) -> int:
        if device not in self._free:
            freed = self._about_to_be_freed.get(device, 0)
            if device == "cpu":
                freed = max(0, freed - mapped_weight_bytes())
            self._free[device] = free_bytes(device) + freed
        return self._free[device]


def _inspect(role: OpenedRole) -> _Model:
    return _Model(footprint_of(role), _stored_dtype(role), role_context(role))


def _stored_dtype(role: OpenedRole) -> str:
    """The dtype of ``auto`` in transformers: of the configuration, else of the first tensor."""
    named = str(getattr(role.config, "dtype", None)).removeprefix("torch.")
    if named in BYTES:
        return named
    kinds = [_STORED[tensor.dtype] for tensor in role.files.tensors if tensor.dtype in _STORED]
    return kinds[0] if kinds else "float32"


def _dtype(role: OpenedRole, model: _Model) -> str:
    return model.dtype if role.spec.dtype == "auto" else role.spec.dtype


def _default_context(models: Sequence[_Model]) -> int:
    limits = [model.context for model in models if model.context]
    return min([*limits, USUAL_CONTEXT])


def _is_stored_quantized(role: OpenedRole) -> bool:
    return _stored_quantization(role) is not None


def _stored_quantization(role: OpenedRole) -> object:
    return getattr(role.config, "quantization_config", None)


def _is_dequantized(role: OpenedRole, device: str) -> bool:
    from app.checkpoints.quantization_check import is_dequantized  # imports torch

    return is_dequantized(_stored_quantization(role), device)


def _demand(role: OpenedRole, model: _Model) -> RoleDemand:
    spec, files, footprint = role.spec, role.files, model.footprint
    device, dtype = resolve_device(spec.device), _dtype(role, model)
    whole = footprint.weight_bytes(dtype, "none")
    weights = footprint.weight_bytes(dtype, spec.quantization)
    converted = sum(tensor.size for tensor in files.tensors if _STORED.get(tensor.dtype) != dtype)
    if _is_stored_quantized(role) and files.tensors and not _is_dequantized(role, device):
        whole = weights = files.weight_bytes
        converted = 0
    weights_key, adapted_key = weights_keys(role, device)
    return RoleDemand(
        name=role.name,
        weights_key=weights_key,
        context_key=(adapted_key, spec.prompt, spec.system),
        adapter_key=adapted_key if files.adapter else None,
        device=device,
        offload=spec.offload,
        engine=role.engine,
        dtype=dtype,
        quantized=spec.quantization != "none",
        footprint=footprint,
        weights=weights,
        whole=whole,
        adapter=files.adapter.weight_bytes if files.adapter else 0,
        quantizing=footprint.quantizing_bytes(spec.quantization),
        file=files.weight_bytes or whole,
        converted=converted,
    )

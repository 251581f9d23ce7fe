"""The caption below the picker of a role: settings in force, or the progress of loading."""

from __future__ import annotations

from pathlib import Path

from app.checkpoints.endpoint_address import is_endpoint
from app.checkpoints.engine_options import LLAMA_CPP
from app.checkpoints.sources import open_checkpoint
from app.checkpoints.spec import CheckpointSpec
from app.checkpoints.status import LoadProgress, RoleInForce
from app.errors import NotDownloadedError, TuneshiftError
from app.ui.state.session import LoadState, Session
from app.ui.translation import translate
from app.ui.words.proof_words import block_words, engine_words, proof_line, proof_warning
from app.wording import duration

_QUANTIZED = {"nf4": "NF4"}


def describe(session: Session, place: int, fault: str) -> str:
    """The caption of the role at ``place``; ``fault`` is what is wrong with its files, or empty."""
    if fault:
        return translate("RoleCaption", "⚠ {0}").format(fault)
    if place < len(session.roles_in_force):
        found = session.roles_in_force[place]
        warning = proof_warning(found.proof) if found.proof else ""
        return f"⚠ {warning}" if warning else in_force(found)
    role = session.recipe.roles()[place][0]
    loading = session.load_state is LoadState.LOADING
    progress = session.load_progress.get(role) if loading else None
    if progress and progress.total:
        return _under_way(progress, session.load_rate.seconds_left(role))
    return {
        LoadState.STARTING: translate("RoleCaption", "Starting PyTorch …"),
        LoadState.LOADING: translate("RoleCaption", "waiting"),
        LoadState.UNFINISHED: translate("RoleCaption", "not loaded yet"),
    }.get(session.load_state, translate("RoleCaption", "not loaded"))


def details(session: Session, place: int) -> str:
    """The settings in force, accelerator and proof of a role; empty before it is loaded."""
    if place >= len(session.roles_in_force):
        return ""
    role = session.roles_in_force[place]
    lines = [in_force(role), role.hardware]
    if role.proof:
        lines += [proof_line(role.proof), proof_warning(role.proof)]
        lines += [block_words(role.proof), engine_words(role.proof)]
    return "\n".join(filter(None, lines))


def in_force(role: RoleInForce) -> str:
    """Settings in force of a loaded role: parameters, dtype, device, engine and sharing."""
    if is_endpoint(role.source):
        at = translate("RoleCaption", "{0} at {1}")
        return at.format(role.model, role.device) if role.model else role.device
    if not role.parameters:  # a server that tunes has it
        return translate("RoleCaption", "at {0}").format(role.device)
    parts = [_count(role.parameters), role.dtype, role.device]
    if role.engine == LLAMA_CPP:
        kind = role.dtype if role.quantization == "none" else role.quantization
        device = [] if role.device == "cpu" else [role.device]
        parts = [_count(role.parameters), kind, role.engine, *device]
    elif role.quantization != "none":
        parts.append(_QUANTIZED.get(role.quantization, role.quantization))
    if role.over:
        parts.append(translate("RoleCaption", "LoRA"))
    if role.shared:
        parts.append(translate("RoleCaption", "shared"))
    if role.offloaded:
        parts.append(translate("RoleCaption", "{0} offloaded").format(f"{role.offloaded:.0%}"))
    return " · ".join(parts)


def _under_way(progress: LoadProgress, seconds: float | None) -> str:
    if progress.proving:
        return translate("RoleCaption", "proving …")
    if progress.packing:
        return translate("RoleCaption", "preparing for the CPU …")
    done, total = (f"{size / 1e6:,.0f}" for size in (progress.done, progress.total))
    if progress.done >= progress.total:
        return translate("RoleCaption", "read, {0} MB").format(total)
    kind = (
        translate("RoleCaption", "converting {0} of {1} MB")
        if progress.converting
        else translate("RoleCaption", "loading {0} of {1} MB")
    )
    text = kind.format(done, total)
    return text if seconds is None else f"{text} · {duration(seconds)}"


def fault(session: Session, place: int) -> str:
    """One sentence about the files of a role that could not be loaded; empty if they are fine."""
    if session.load_state is not LoadState.FAILED:
        return ""
    spec = session.recipe.checkpoints()[place]
    problem = session.check_problem
    if isinstance(problem, NotDownloadedError):
        missing = problem.source.partition("hub:")[2]
        mine = any(missing and missing in source for source in (spec.source, spec.over))
        return translate("RoleCaption", "not downloaded yet") if mine else ""
    return _file_fault(spec)


def _file_fault(spec: CheckpointSpec) -> str:
    kind, _, path = spec.source.partition(":")
    if kind == "gguf":
        there = Path(path).expanduser().is_file()
        return "" if there else translate("RoleCaption", "File not found: {0}").format(path)
    if kind not in ("folder", "builtin"):
        return ""
    try:
        open_checkpoint(spec)
    except TuneshiftError as error:
        return error.cause
    return ""


def _count(parameters: int) -> str:
    """A number of parameters, as ``40 K``, ``6.8 M`` or ``1.5 B``."""
    if parameters < 1e5:
        return f"{parameters / 1e3:,.0f} K"
    if parameters < 1e9:
        return f"{parameters / 1e6:,.1f} M"
    return f"{parameters / 1e9:,.1f} B"

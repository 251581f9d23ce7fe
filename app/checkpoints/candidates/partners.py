"""Which models can be roles of one recipe with a base, best first. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.checkpoints.candidates.local_model import LocalModel
from app.checkpoints.candidates.model_names import Tuning, common_start
from app.checkpoints.candidates.token_digest import TokenDigest


class Reason(StrEnum):
    """Why a model goes with others, or why it does not."""

    SAME_TOKENIZER = "same tokenizer"
    FEW_IDS_DIFFER = "few ids differ"
    INSTRUCT_OF_FAMILY = "instruct model of the same family"
    INSTRUCT = "instruct model"
    TUNED = "tuned model"
    ADAPTER = "adapter"  # ``detail``: over which model
    UNTUNED_VERSION = "untuned version"  # ``detail``: of which model
    ADAPTED_MODEL = "adapted model"  # ``detail``: of which adapter
    BASE_ITSELF = "base itself"
    UNTUNED = "untuned model"
    LARGER = "larger than the base"

    OTHER_TOKENIZER = "other tokenizer"  # it goes through bytes
    OTHER_VOCABULARY = "other vocabulary"  # ``count`` ids differ; it has no anti-expert
    MODEL_IS_MISSING = "adapted model is missing"  # ``detail``: its name
    UNUSABLE = "unusable"  # ``detail``: the error


@dataclass(frozen=True, slots=True)
class Because:
    """A reason with what it speaks of."""

    reason: Reason
    detail: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Partner:
    """A model that can be an expert or an anti-expert beside a base.

    Attributes:
        model: The model.
        reasons: Why it goes with the base, the most important reason first.
        over: For an adapter, the model on this disk that it adapts.
    """

    model: LocalModel
    reasons: tuple[Because, ...]
    over: LocalModel | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Misfit:
    """A model that cannot be in a recipe with a base."""

    model: LocalModel
    reason: Because


@dataclass(frozen=True, slots=True, eq=False)
class Partners:
    """The models on this disk beside a base.

    Attributes:
        experts: Possible experts with the vocabulary of the base, best first.
        bridged: Possible experts with another vocabulary, for which there is an anti-expert.
        misfits: The others.
    """

    experts: tuple[Partner, ...] = ()
    bridged: tuple[Partner, ...] = ()
    misfits: tuple[Misfit, ...] = ()

    @property
    def possible(self) -> tuple[Partner, ...]:
        """All possible experts, those with the vocabulary of the base first."""
        return self.experts + self.bridged


def possible_bases(models: Sequence[LocalModel]) -> list[LocalModel]:
    """The models that can be a base: first those with an instruct model beside them, then by size.

    An instruct model is rarely meant as a base, and shipped models come last.
    """
    usable = [model for model in models if not model.problem and not model.is_adapter]

    def order(model: LocalModel) -> tuple[bool, bool, bool, int, str]:
        tuned = any(
            other.tuning is Tuning.INSTRUCT and _shares_vocabulary(other, model)
            for other in usable
            if other is not model
        )
        instruct = model.tuning is Tuning.INSTRUCT
        return is_shipped(model), not tuned, instruct, -model.parameters, model.name

    return sorted(usable, key=order)


def partners_for(base: LocalModel, models: Sequence[LocalModel]) -> Partners:
    """The possible experts for a base, and the models that cannot be used with it."""
    experts: list[Partner] = []
    bridged: list[Partner] = []
    misfits: list[Misfit] = []
    for model in models:
        if model.source == base.source:
            continue
        over = adapted_model(model, [base, *models])
        misfit = _misfit(base, model, over)
        if misfit is None:
            experts.append(Partner(model, _reasons(base, model, over, models), over))
        elif is_shipped(model):
            continue
        elif misfit.count and (over or any(companions_of(model, models))):
            bridged.append(Partner(model, _reasons(base, model, over, models), over))
        else:
            misfits.append(Misfit(model, misfit))
    for found in (experts, bridged):
        found.sort(key=lambda partner: _order(base, partner, models))
    return Partners(tuple(experts), tuple(bridged), tuple(misfits))


def companions_of(model: LocalModel, models: Sequence[LocalModel]) -> Iterator[Partner]:
    """Models that share a vocabulary with the expert or anti-expert of a pair, best first."""
    first = untuned_version(Partner(model, ()), models)
    if first:
        yield Partner(first, (Because(Reason.UNTUNED_VERSION, model.title),))
    others = [
        other
        for other in models
        if other is not model
        and other is not first
        and not other.problem
        and not other.is_adapter
        and _shares_vocabulary(other, model)
    ]
    others.sort(
        key=lambda other: (
            _is_untuned(other, models) is _is_untuned(model, models),
            not _same_size(other, model),
        )
    )
    for other in others:
        yield Partner(other, (Because(Reason.SAME_TOKENIZER),))


def antiexperts_for(
    base: LocalModel, expert: Partner, models: Sequence[LocalModel]
) -> tuple[Partner, ...]:
    """The possible anti-experts of an expert, best first.

    An expert is best compared with itself before it was tuned: the model that an adapter adapts, or
    the untuned model of the same architecture and size. Otherwise the base itself is first. That of
    an expert with another vocabulary than the base has to share this vocabulary.
    """
    version = untuned_version(expert, [base, *models])
    if not _goes_with(base, expert.model, expert.over):
        own = [] if expert.over is None else [_version(base, expert, expert.over)]
        return (*own, *companions_of(expert.over or expert.model, models))
    others = [
        partner
        for partner in partners_for(base, models).experts
        if not partner.model.is_adapter
        and partner.model is not expert.model
        and partner.model is not version
    ]
    others.sort(
        key=lambda partner: (
            not _is_untuned(partner.model, models),
            not _same_size(partner.model, expert.over or expert.model),
        )
    )
    first = [] if version in (None, base) else [_version(base, expert, version)]
    itself = Because(Reason.BASE_ITSELF)
    if version is base:
        itself = _version(base, expert, base).reasons[0]
    return (*first, Partner(base, (itself,)), *others)


def untuned_version(expert: Partner, models: Sequence[LocalModel]) -> LocalModel | None:
    """The model from which the expert was tuned, as far as files, names and sizes tell, or None."""
    if expert.over:
        return expert.over
    model = expert.model
    fitting = [
        other
        for other in models
        if other is not model
        and not other.problem
        and _same_size(other, model)
        and (_is_origin(other, model) or _is_untuned_beside(other, model, models))
        and _shares_vocabulary(other, model)
    ]
    return min(
        fitting,
        key=lambda other: (
            not _is_origin(other, model),
            other.stem != model.stem,
            other.tuning is not Tuning.NONE,
            other.source.partition(":")[0] != model.source.partition(":")[0],
            -common_start(other.name, model.name),
        ),
        default=None,
    )


def adapted_model(adapter: LocalModel, models: Sequence[LocalModel]) -> LocalModel | None:
    """The model that an adapter adapts, found by its path or its name; None for other models."""
    if not adapter.is_adapter or not adapter.adapts:
        return None
    wanted = adapter.adapts.rstrip("/").lower()
    usable = [model for model in models if not model.is_adapter and not model.problem]
    for known in (_path, _hub_name, _last_name):
        for model in usable:
            if known(model) == (wanted.rpartition("/")[2] if known is _last_name else wanted):
                return model
    return None


def is_shipped(model: LocalModel) -> bool:
    """Whether a model ships with the program."""
    return model.source.startswith("builtin:")


def _path(model: LocalModel) -> str:
    return str(model.folder).lower()


def _hub_name(model: LocalModel) -> str:
    return model.name.partition("@")[0].lower()


def _last_name(model: LocalModel) -> str:
    return _hub_name(model).rpartition("/")[2]


def _vocabulary(model: LocalModel, over: LocalModel | None) -> TokenDigest | None:
    return model.vocabulary or (over.vocabulary if over else None)


def _misfit(base: LocalModel, model: LocalModel, over: LocalModel | None) -> Because | None:
    if model.problem:
        return Because(Reason.UNUSABLE, model.problem)
    if model.is_adapter and over is None:
        return Because(Reason.MODEL_IS_MISSING, model.adapts)
    mine = _vocabulary(model, over)
    if mine is None or base.vocabulary is None:
        return Because(Reason.OTHER_VOCABULARY)
    if not mine.goes_with(base.vocabulary):
        return Because(Reason.OTHER_VOCABULARY, count=mine.different_from(base.vocabulary))
    return None


def _goes_with(base: LocalModel, model: LocalModel, over: LocalModel | None) -> bool:
    """Whether a model has the vocabulary of the base, but for a few ids."""
    mine, theirs = _vocabulary(model, over), base.vocabulary
    return mine is not None and theirs is not None and mine.goes_with(theirs)


def _reasons(
    base: LocalModel, model: LocalModel, over: LocalModel | None, models: Sequence[LocalModel]
) -> tuple[Because, ...]:
    mine = _vocabulary(model, over)
    assert mine is not None  # otherwise it is a misfit
    assert base.vocabulary is not None
    different = mine.different_from(base.vocabulary)
    reasons = []
    if over:
        reasons.append(Because(Reason.ADAPTER, over.title))
    elif model.tuning is Tuning.INSTRUCT:
        family = model.architecture == base.architecture
        reasons.append(Because(Reason.INSTRUCT_OF_FAMILY if family else Reason.INSTRUCT))
    elif model.tuning is Tuning.OTHER:
        reasons.append(Because(Reason.TUNED))
    elif _is_untuned(model, models):
        reasons.append(Because(Reason.UNTUNED))
    if not mine.goes_with(base.vocabulary):
        reasons.append(Because(Reason.OTHER_TOKENIZER))
    elif different:
        reasons.append(Because(Reason.FEW_IDS_DIFFER, count=different))
    else:
        reasons.append(Because(Reason.SAME_TOKENIZER))
    if (over or model).parameters > base.parameters:
        reasons.append(Because(Reason.LARGER))
    return tuple(reasons)


def _order(base: LocalModel, partner: Partner, models: Sequence[LocalModel]) -> tuple[object, ...]:
    model = partner.model
    size = (partner.over or model).parameters
    version = untuned_version(partner, [base, *models])
    return (
        _tuning_rank(partner, models),
        version is None,
        is_shipped(model) and not is_shipped(base),
        model.architecture != base.architecture and not partner.over,
        size >= base.parameters and partner.over is not base,
        size > base.parameters,
        -model.parameters,
        -common_start(model.name, base.name),
        model.name,
    )


def _tuning_rank(partner: Partner, models: Sequence[LocalModel]) -> int:
    model = partner.model
    if partner.over or model.tuning in (Tuning.INSTRUCT, Tuning.OTHER):
        return 0
    if _is_untuned(model, models):
        return 3
    return 1 if model.has_chat_template else 2


def _is_untuned(model: LocalModel, models: Sequence[LocalModel]) -> bool:
    """Whether a model is untuned by its name, or since a tuned model has the name of it."""
    if model.tuning is not Tuning.UNKNOWN:
        return model.tuning is Tuning.NONE
    return any(
        other.tuning is Tuning.INSTRUCT and other.stem == model.stem and _same_size(other, model)
        for other in models
    )


def _is_untuned_beside(other: LocalModel, model: LocalModel, models: Sequence[LocalModel]) -> bool:
    """Whether ``other`` can be what ``model`` was before it was tuned."""
    if _is_untuned(other, models):
        return not _is_untuned(model, models)
    tuned = model.tuning in (Tuning.INSTRUCT, Tuning.OTHER)
    return other.tuning is Tuning.UNKNOWN and tuned


def _is_origin(other: LocalModel, model: LocalModel) -> bool:
    """Whether the files of ``model`` say that it was tuned from ``other``."""
    return bool(model.origin) and _last_name(other) == model.origin.lower()


def _same_size(one: LocalModel, other: LocalModel) -> bool:
    return (one.architecture, one.shape) == (other.architecture, other.shape) and any(one.shape)


def _shares_vocabulary(one: LocalModel, other: LocalModel) -> bool:
    mine, theirs = one.vocabulary, other.vocabulary
    return mine is not None and theirs is not None and mine.goes_with(theirs)


def _version(base: LocalModel, expert: Partner, model: LocalModel) -> Partner:
    reason = Reason.ADAPTED_MODEL if expert.over else Reason.UNTUNED_VERSION
    return Partner(model, (Because(reason, expert.model.title),))

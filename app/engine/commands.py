"""The commands that the engine carries out: frozen, and without torch."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.checkpoints.conversation import Prompt
from app.checkpoints.spec import Recipe
from app.decoding.types import GenerationConfig, TokenStep
from app.engine.controls import Cancellation, LiveAlphas

if TYPE_CHECKING:
    from app.checkpoints.loading.loader import LoadedRecipe


@dataclass(frozen=True, slots=True, eq=False)
class Load:
    """Load a recipe in place of what is loaded.

    Attributes:
        although_full: Load although the estimate says that it does not fit.
        fresh: Read the files again although these very models are in memory.
        prompt: What the person has typed; the check in the load writes it out for each role.
    """

    id: int
    recipe: Recipe
    cancellation: Cancellation
    although_full: bool = False
    fresh: bool = False
    prompt: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Generate:
    """Generate from the loaded recipe.

    Attributes:
        config: Sampling settings; ``max_new_tokens`` counts what the text begins with.
        kept: Token ids that are out already; the text goes on after them.
        forced: Token ids after these that are given and not drawn.
        text: Text after these that is given; it is encoded as the base would.
        role: The place in ``Recipe.roles`` of a role to generate from alone, or None for the tuned
            distribution.
        speculate: Draft tokens, so that the same text is there sooner.
        echo: Say of the tokens of the prompt, too, what the models made of them: all that its roles
            read alike at its end is given and not read as a prompt, the first token excepted.
            ``max_new_tokens`` does not count these.
    """

    id: int
    prompt: Prompt
    config: GenerationConfig
    alphas: LiveAlphas
    cancellation: Cancellation
    kept: tuple[int, ...] = ()
    forced: tuple[int, ...] = ()
    text: str = ""
    role: int | None = None
    speculate: bool = True
    echo: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class AskWhatIf:
    """Say where a finished text would have gone another way under other weights; runs no model.

    Attributes:
        prompt: The prompt of the text.
        config: The settings that it was drawn with.
        alphas: The weights to try, [P].
        token_ids: The text.
        steps: Those of its tokens whose full rows are kept.
    """

    id: int
    prompt: str
    config: GenerationConfig
    alphas: tuple[float, ...]
    token_ids: tuple[int, ...]
    steps: tuple[TokenStep, ...]
    cancellation: Cancellation


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """Say what is known of a recipe, with this prompt, without reading weights."""

    id: int
    recipe: Recipe
    prompt: str
    cancellation: Cancellation


@dataclass(frozen=True, slots=True, eq=False)
class BorrowModels:
    """BorrowModels the loaded models to work of a higher layer, on the engine's thread.

    Every item comes out as :class:`BorrowProgress`; between two items it can be cancelled, and is
    then closed. It may read with the ensemble: what the KV caches hold is known, and the
    next run rereads what it misses.

    Attributes:
        work: Called with the models; asks :attr:`cancellation` itself where items are far apart.
        interleaved: Whether other commands than loads and loans are carried out between two items.
            They move the KV caches of the ensemble, so work that decodes with these across items
            does not give way.
    """

    id: int
    work: Callable[[LoadedRecipe], Generator[object, None, None]]
    cancellation: Cancellation
    interleaved: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Unload:
    """Give the memory of the models back. It is not answered; the next run needs a load."""

    id: int
    cancellation: Cancellation


Command = Load | Unload | Generate | Check | AskWhatIf | BorrowModels

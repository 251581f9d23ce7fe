"""How a run was made, in words: its models, its alphas, its settings and its start."""

from __future__ import annotations

from collections.abc import Sequence

from app.decoding.alpha_policy import CONSTANT
from app.decoding.types import GRAMMAR, JSON, JSON_SCHEMA, GenerationConfig
from app.history.recipe_facts import facts_of
from app.history.run_search import searchable
from app.ui.state.runs.run import Run
from app.ui.translation import translate
from app.ui.words.moments import shown_moment


def models_line(models: Sequence[str]) -> str:
    """The names of the models of a run."""
    return ", ".join(models)


def settings_line(alphas: Sequence[str], config: GenerationConfig) -> str:
    """Alphas and sampling settings; those that are off are left out."""
    parts = [translate("Provenance", "α {0}").format(", ".join(alphas))] if alphas else []
    if config.alpha_policy != CONSTANT.text:
        parts.append(translate("Provenance", "policy of α {0}").format(config.alpha_policy))
    if config.temperature == 0:
        parts.append(translate("Provenance", "greedy"))
    else:
        parts += [
            translate("Provenance", "seed {0}").format(config.seed),
            translate("Provenance", "temperature {0}").format(f"{config.temperature:g}"),
        ]
        for value, off, text in (
            (config.top_k, 0, translate("Provenance", "top-k {0}")),
            (config.top_p, 1, translate("Provenance", "top-p {0}")),
            (config.min_p, 0, translate("Provenance", "min-p {0}")),
        ):
            if value != off:
                parts.append(text.format(f"{value:g}"))
    if config.repetition_penalty != 1:
        penalty = translate("Provenance", "repetition penalty {0}")
        parts.append(penalty.format(f"{config.repetition_penalty:g}"))
    if config.frequency_penalty:
        penalty = translate("Provenance", "frequency penalty {0}")
        parts.append(penalty.format(f"{config.frequency_penalty:g}"))
    if config.presence_penalty:
        penalty = translate("Provenance", "presence penalty {0}")
        parts.append(penalty.format(f"{config.presence_penalty:g}"))
    if config.logit_bias:
        parts.append(translate("Provenance", "logit bias"))
    if config.structured:
        parts.append(
            {
                JSON: translate("Provenance", "JSON object"),
                JSON_SCHEMA: translate("Provenance", "JSON schema"),
                GRAMMAR: translate("Provenance", "grammar"),
            }[config.structure]
        )
    return " · ".join(parts)


def shown_alphas(alphas: Sequence[float]) -> list[str]:
    """Alphas as short numbers."""
    return [f"{alpha:g}" for alpha in alphas]


def alphas_of(run: Run) -> list[str]:
    """The alpha of each pair: one number, or those of the first and the last token."""
    if run.role is not None:
        return []
    first_alphas = next((token.alphas for token in run.tokens if token.alphas), ())
    last_alphas = next((token.alphas for token in reversed(run.tokens) if token.alphas), ())
    if not first_alphas:
        return shown_alphas(run.recipe.alphas)
    ends = zip(first_alphas, last_alphas, strict=True)
    return [f"{first:g}" if first == last else f"{first:g} → {last:g}" for first, last in ends]


def provenance_of(run: Run) -> str:
    """Models, alphas, settings and start of a run of the window, in three lines."""
    return "\n".join(
        (
            models_line(facts_of(run.recipe).models),
            settings_line(alphas_of(run), run.recipe.sampling),
            shown_moment(run.created),
        )
    )


def search_help() -> str:
    """What a search of runs looks at, with examples of settings."""
    return translate(
        "Provenance",
        "Finds words of texts and prompts, models, recipes, dates such as 2026-11-30, and settings "
        "such as seed=7, α=1.5 or temperature=0.8.",
    )


def searchable_run(run: Run) -> str:
    """Models, recipe, settings and start of a run of the window, as a search looks at them."""
    return searchable(facts_of(run.recipe), run.recipe.sampling, run.created)

"""What candidates alone say of a token against what its full rows say."""

from __future__ import annotations

import numpy as np
import pytest

from app.attribution.alpha_curve import estimated_alpha_curve
from app.attribution.attribution import attribute
from app.attribution.candidates import keep_candidates
from app.attribution.estimated import attribute_candidates
from tests.attribution.test_attribution import VOCABULARY, invent

ALPHAS = (1.0, 0.4)


@pytest.mark.parametrize("seed", range(4))
def test_with_every_token_kept_it_is_the_attribution(seed: int) -> None:
    logits = invent(2, seed, np.float32)
    kept = keep_candidates(logits, ALPHAS, 7, top_tuned=VOCABULARY, top_role=1)
    found, exact = attribute_candidates(kept, 7), attribute(logits, ALPHAS, 7)
    for name in ("p_base", "p_tuned", "logprob_base", "logprob_tuned", "contributions"):
        assert getattr(found, name) == pytest.approx(getattr(exact, name), abs=1e-5)
    for name in ("entropy_base", "entropy_tuned", "kl"):
        assert getattr(found, name) == pytest.approx(getattr(exact, name), abs=1e-4)
    for name in ("rank_base", "rank_tuned", "argmax_base", "argmax_tuned"):
        assert getattr(found, name) == getattr(exact, name)


@pytest.mark.parametrize("seed", range(4))
def test_with_fewer_only_the_entropies_are_a_little_too_low(seed: int) -> None:
    logits = invent(2, seed, np.float32)
    kept = keep_candidates(logits, ALPHAS, 7, top_tuned=20, top_role=10)
    assert len(kept.token_ids) < VOCABULARY
    found, exact = attribute_candidates(kept, 7), attribute(logits, ALPHAS, 7)
    assert found.contributions == pytest.approx(exact.contributions, abs=1e-6)
    assert found.flipped == exact.flipped
    for name in ("entropy_base", "entropy_tuned", "kl"):
        low, right = getattr(found, name), getattr(exact, name)
        assert right - 0.1 < low < right + 1e-5


def test_other_weights_are_looked_at_as_they_would_be() -> None:
    logits = invent(2, 3, np.float32, scale=2.0)
    kept = keep_candidates(logits, ALPHAS, 7, top_tuned=20, top_role=10)
    there = (1.5, 0.4)
    found, exact = attribute_candidates(kept.with_alphas(there), 7), attribute(logits, there, 7)
    assert found.p_base == pytest.approx(exact.p_base, abs=1e-6)
    assert found.p_tuned == pytest.approx(exact.p_tuned, abs=0.02)
    assert found.contributions == pytest.approx(exact.contributions, abs=0.02)
    assert found.entropy_tuned == pytest.approx(exact.entropy_tuned, abs=0.2)


@pytest.mark.parametrize("masked", [True, False], ids=["masked", "unknown to the base"])
def test_a_given_token_that_is_impossible_is_a_candidate_all_the_same(masked: bool) -> None:
    """A text that is given may hold ids that not every role has, or that an endpoint left out."""
    logits = invent(2, 5, np.float32)
    for row in (logits.base, *(logits.experts + logits.antiexperts if masked else ())):
        row[7] = -np.inf
    kept = keep_candidates(logits, ALPHAS, 7, top_tuned=20, top_role=10)
    for alphas in (ALPHAS, (2.0, -1.0)):
        found = attribute_candidates(kept.with_alphas(alphas), 7)
        exact = attribute(logits, alphas, 7)
        assert (found.p_base, found.p_tuned) == (exact.p_base, exact.p_tuned) == (0.0, 0.0)
        assert found.contributions == exact.contributions == (0.0, 0.0)
        assert 0 < found.entropy_tuned < exact.entropy_tuned + 0.2
    curve = estimated_alpha_curve(kept, 0, [7, int(kept.token_ids[0])])
    assert not curve.probabilities[0].any()
    assert (curve.probabilities[1] > 0).all()

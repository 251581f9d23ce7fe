"""The tour through the making of an expert: what is seen at each of its stops."""

from __future__ import annotations

from app.ui.state.training.training_record import TrainingRecord, TrainingStage
from app.ui.state.training.window_trainings import Trainings
from app.ui.translation import translate

TOUR_DATA = "builtin:dickens"
TOUR_BASE, TOUR_SMALL = "builtin:demo/base", "builtin:demo/antiexpert"


def tour_words(trainings: Trainings, record: TrainingRecord | None) -> str:
    """What a person sees now on the tour, and what to do next.

    Args:
        trainings: The trainings of the window.
        record: The training of the tour, once it was started.
    """
    if record is None:
        if trainings.preparation is None:
            return translate(
                "Tour",
                "Tour, 1 of 4. 180 passages of Dickens, which ship with Tuneshift, are read …",
            )
        return translate(
            "Tour",
            "Tour, 1 of 4. On the right is what the small model will read: it learns the tinted "
            "tokens. Some documents are held out to judge it. Press “Make the expert”: it takes "
            "one to three minutes.",
        )
    if record.stage is TrainingStage.JUDGED:
        return translate(
            "Tour",
            "Tour, 4 of 4. The verdict: how much the pair improves the base on texts that nothing "
            "has seen, at five α. “Use in a new recipe” opens the pair. Then give a folder of your "
            "own texts.",
        )
    if record.stage is TrainingStage.JUDGING:
        return translate(
            "Tour",
            "Tour, 3 of 4. The base, the small model with its adapter, and both together now read "
            "the held-out passages. One half chooses α, the other judges.",
        )
    if record.can_go_on:
        return translate("Tour", "The tour was interrupted. “Go on” continues it.")
    return translate(
        "Tour",
        "Tour, 2 of 4. The line with points is the loss on held-out texts: while it falls, the "
        "small model learns what also holds for texts that it does not read. You may close this "
        "window meanwhile.",
    )

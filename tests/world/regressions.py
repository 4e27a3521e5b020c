"""Worlds that broke a promise once: seed, minutes, and what they caught."""

REGRESSIONS: tuple[tuple[int, float, str], ...] = (
    (1180, 3.0, "Legal: an activity that fell into a blocking call was sent as start and end without its audio"),
    (2460, 3.0, "Seamless: an Interrupt threw away words that a blocking call had held back"),
)

"""Dialogues as chance will have them: answers of every length, functions that are called, words that get no answer."""

from random import Random

from segue.simulator.dialogue import Call, Dialogue, Line

# Functions of the client's that the model may call.
FUNCTIONS = ("get_weather", "book_table")
_SENTENCES = (
    "That is so.",
    "Let me tell you more about it.",
    "The boat came safely ashore at dawn, with all its crew and not a sail torn.",
    "Nobody knows for certain.",
    "She climbed the stairs of the tower every evening for forty years.",
    "It rained.",
)
_LINES = 12


def draw_dialogue(rng: Random, *, calls: bool, silences: bool) -> Dialogue:
    """Return a dialogue.

    Args:
        calls: functions are called in it.
        silences: some words are not meant for the model, or not all yet, and some answers are refused.
    """
    spoken = tuple(_line(rng, f"What about number {number}?", calls, silences) for number in range(_LINES))
    fallback = tuple(_line(rng, "", calls, silences) for _ in range(_LINES))
    return Dialogue(spoken, spoken, (), fallback, pause=0.0)


def _line(rng: Random, user: str, calls: bool, silences: bool) -> Line:
    model = _words(rng)
    kind = rng.random()
    if calls and kind < 0.25:
        functions = rng.sample(FUNCTIONS, rng.choice([1, 1, 2]))
        return Line(
            model,
            user,
            calls=tuple(Call(function, {"city": "Oslo"}) for function in functions),
            before=rng.choice(["", "Let me look."]),
            meanwhile=rng.choice(["", "One moment please."]),
            after="This is what I found: {response}.",
        )
    if silences and kind > 0.85:
        return rng.choice(
            [
                Line(model, user, addressed=False),
                Line(model, user, waits=True),
                Line("", user, reason="PROHIBITED_INPUT_CONTENT"),
            ]
        )
    return Line(model, user, thought=rng.choice(["", "They want to know."]))


def _words(rng: Random) -> str:
    return " ".join(rng.choice(_SENTENCES) for _ in range(rng.choice([1, 1, 2, 3, 6, 12])))

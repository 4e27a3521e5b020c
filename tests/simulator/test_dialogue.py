"""Dialogues: the default one, how lines are chosen, and what is said about a bad file."""

from pathlib import Path

import pytest

from segue.simulator.dialogue import Call, Cursor, Place, fill
from segue.simulator.dialogue_file import DialogueError, default_dialogue, load_dialogue, parse_dialogue

SHORT = """
[[utterances]]
user = "One?"
model = "First. And more!"
delay = 0.5

[[further]]
user = "Two?"
model = "Second."

[[further]]
user = "Three?"
model = "Third."

[[texts]]
words = ["Name", "keeper"]
model = "Marta."

[[fallback]]
model = "Well."

[[fallback]]
model = "Hm."
"""


def test_default_dialogue_fits_the_demo() -> None:
    dialogue = default_dialogue()
    story, name = dialogue.spoken(0), dialogue.spoken(1)
    assert story.user == "Hello. Please tell me a story about a lighthouse keeper."
    assert 600 <= len(story.model) <= 1000
    assert name.user == "Wait, stop. What was the name of the keeper?"
    assert "Marta" in story.model
    assert "Marta" in name.model
    assert set(dialogue.spoken(1000).sentences) <= set(dialogue.sentences())
    assert dialogue.written("Tell me a story, please.", 0).model.startswith("Here is a short one.")


def test_utterances_come_once_and_the_further_ones_for_ever() -> None:
    cursor = Cursor(parse_dialogue(SHORT, "short"), Place())
    assert [cursor.spoken().user for _ in range(5)] == ["One?", "Two?", "Three?", "Two?", "Three?"]
    assert cursor.place == Place(spoken=5)


def test_without_further_ones_the_utterances_begin_anew() -> None:
    text = SHORT.replace("further", "utterances")
    cursor = Cursor(parse_dialogue(text, "short"), Place())
    assert [cursor.spoken().user for _ in range(4)] == ["One?", "Two?", "Three?", "One?"]


def test_texts_are_answered_by_their_words_and_else_in_turn() -> None:
    cursor = Cursor(parse_dialogue(SHORT, "short"), Place())
    texts = ["What is the keeper's NAME?", "name", "x", "the name of the keeper", "y"]
    assert [cursor.written(text).model for text in texts] == ["Marta.", "Well.", "Hm.", "Marta.", "Well."]


def test_line_is_cut_into_sentences() -> None:
    line = parse_dialogue(SHORT, "short").spoken(0)
    assert line.sentences == ("First.", "And more!")
    assert line.delay == 0.5


def test_line_may_hold_more_than_an_answer() -> None:
    text = """
        [[utterances]]
        user = "x"
        model = "y"
        call = { name = "f" }
        before = "Let me see."
        while = "One {moment}."
        after = "Here: {response}. That is all."
        thought = "Hm."
        addressed = false
        waits = true
        reason = "RESPONSE_REJECTED"
        [[fallback]]
        model = "z"
        call = [{ name = "f", args = { a = 1 } }, { name = "g" }]
    """
    dialogue = parse_dialogue(text, "more")
    line, other = dialogue.spoken(0), dialogue.written("any", 0)
    assert line.calls == (Call("f", {}),)
    assert (line.before, line.meanwhile, line.after) == (
        "Let me see.",
        "One {moment}.",
        "Here: {response}. That is all.",
    )
    assert (line.thought, line.addressed, line.waits, line.reason) == ("Hm.", False, True, "RESPONSE_REJECTED")
    assert other.calls == (Call("f", {"a": 1}), Call("g", {}))
    assert (other.addressed, other.waits, other.calls[0].args) == (True, False, {"a": 1})
    assert {"Let me see.", "That is all."} <= set(dialogue.sentences())
    assert not any("{" in sentence for sentence in dialogue.sentences())


def test_placeholders_are_filled_and_other_braces_stay() -> None:
    assert fill("{a} {b} {} {a", {"a": "{b}"}) == "{b} {b} {} {a"


def test_default_dialogue_calls_and_remembers() -> None:
    dialogue = default_dialogue()
    assert [call.name for call in dialogue.written("How is the weather?", 0).calls] == ["get_weather"]
    assert dialogue.written("What did I say before?", 0).model == "{recall}"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("pause =", "bad.toml: not TOML: "),
        ("", "bad.toml: needs at least one"),
        ("colour = 1", "bad.toml: colour is unknown; known are fallback, further, pause, texts, utterances"),
        ("utterances = 3", "bad.toml: utterances: must be a list of tables"),
        ("[[utterances]]\nuser = 'x'", "bad.toml: utterances 1: model is missing"),
        ("[[utterances]]\nuser = 'x'\nmodel = 1", "bad.toml: utterances 1: model must be a string"),
        ("[[utterances]]\nuser = 'x'\nmodel = 'y'\nwords = []", "bad.toml: utterances 1: words is unknown"),
        ("[[texts]]\nwords = 'x'\nmodel = 'y'", "bad.toml: texts 1: words must be a list of single words"),
        ("[[texts]]\nwords = ['two words']\nmodel = 'y'", "bad.toml: texts 1: words must be a list"),
        ("[[fallback]]\nmodel = 'y'\ndelay = -1", "bad.toml: fallback 1: delay must be a number of seconds"),
        ("[[fallback]]\nmodel = 'y'\ncall = 3", "bad.toml: fallback 1: call must be a table with a name"),
        ("[[fallback]]\nmodel = 'y'\ncall = {args = {}}", "bad.toml: fallback 1: call must be a table with a name"),
        ("[[fallback]]\nmodel = 'y'\ncall = {name = 'f', id = '1'}", "bad.toml: fallback 1: call: id is unknown"),
        ("[[fallback]]\nmodel = 'y'\ncall = {name = 'f', args = 1}", "bad.toml: fallback 1: call: args must be"),
        (
            "[[fallback]]\nmodel = 'y'\ncall = {name = 'f', args = {at = 2026-01-01}}",
            "bad.toml: fallback 1: call: args must be a table of what JSON can hold",
        ),
        ("[[fallback]]\nmodel = 'y'\nwaits = 1", "bad.toml: fallback 1: waits must be true or false"),
        (f"pause = true\n{SHORT}", "bad.toml: pause must be a number of seconds"),
    ],
)
def test_bad_file_is_explained(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(DialogueError) as error:
        load_dialogue(path)
    assert str(error.value).removeprefix(f"{tmp_path}/").startswith(complaint)


def test_missing_file_is_explained(tmp_path: Path) -> None:
    with pytest.raises(DialogueError, match="cannot be read"):
        load_dialogue(tmp_path / "none.toml")

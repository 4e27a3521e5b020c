"""Heard: what is said to be heard of an interrupted turn, against what was played of it and what was spoken in that."""

from typing import Any

import pytest

from segue.simulator.promises import Broke, heard
from tests.simulator.promises.told import Told

# 40 characters in 80 blocks of 20 ms: each takes two.
SENTENCE = "One two, three four, five six, and done."
FRAGMENTS = ("One", " two,", " three", " four,", " five", " six,", " and", " done.")
# So much is played when "four," is being said.
PLAYED = 0.72


def split(count: int, until: int = 8) -> dict[str, Any]:
    """Return the words of a turn with so many fragments heard, and those up to another one not."""
    return {"heard_text": "".join(FRAGMENTS[:count]), "unheard_text": "".join(FRAGMENTS[count:until])}


def interrupted(
    told: Told | None = None,
    *,
    lead: float = 0.1,
    known: float = PLAYED,
    model: str = "gemini-3.8-live",
    texts: dict[str, Any] | None = None,
    **cut: Any,
) -> Told:
    """Return a session whose client played so much of a turn, and is told that so much was heard."""
    told = (told or Told()).client(0.0, "session_opened", model=model, lead=lead).dialled(0.0, 1).opened(0.5, 1)
    told.asked(5.0, 0, 99).understood(5.8, 1, 1, 0, 99)
    told.service(6.0, 1, "speech_planned", first=1, last=80, text=SENTENCE)
    for number, text in enumerate(FRAGMENTS):
        told.service(6.0 + number / 10, 1, "transcription_sent", speaker="model", text=text, turn=1)
    told.output(6.2, "transcript", speaker="MODEL", text="One").output(6.2, "audio", bytes=38_400, first=1, last=40)
    told.gateway(6.5, "audio_dropped", reason="interrupted", seconds=0.4)
    fields: dict[str, Any] = {"cause": "USER", "played": PLAYED} | cut
    told.output(6.6, "interrupted", **fields)
    told.output(6.7, "turn_ended", reason="INTERRUPTED", heard=known, **(split(3) if texts is None else texts))
    return told


@pytest.mark.parametrize("count", [3, 4])
def test_words_that_are_divided_where_the_turn_was_cut_keep_the_promise(count: int) -> None:
    verdict = heard(interrupted(texts=split(count)).ended(60.0))
    assert (verdict.judged, verdict.cases) == (1, 1)


@pytest.mark.parametrize("count", [2, 5])
def test_one_fragment_more_or_less_is_as_right_as_it_can_be(count: int) -> None:
    assert heard(interrupted(texts=split(count))).judged == 1


def test_words_that_had_not_come_yet_are_of_neither_part() -> None:
    assert heard(interrupted(texts=split(3, 6))).judged == 1


@pytest.mark.parametrize(
    ("count", "how"), [(6, "is said to be heard to ' six,'"), (1, "not to be heard from ' two,' on")]
)
def test_words_that_are_divided_elsewhere_break_it(count: int, how: str) -> None:
    with pytest.raises(Broke, match=f"broke Heard: turn 1 of session call-1 was played for 0.720 s and .*{how}"):
        heard(interrupted(texts=split(count)))


def test_where_nothing_is_reported_the_lead_is_forgiven() -> None:
    # It is taken to be played to 1.02 s, of 0.72, and then in the middle of "five".
    assert heard(interrupted(lead=0.3, known=1.02, texts=split(6))).judged == 1
    with pytest.raises(Broke, match="heard to ' and'"):
        heard(interrupted(lead=0.3, known=1.02, texts=split(7)))
    with pytest.raises(Broke, match="heard to ' six,'"):
        heard(interrupted(lead=0.1, known=1.02, texts=split(6)))


def test_where_everything_is_sent_at_once_nothing_can_be_told_unless_it_is_reported() -> None:
    assert heard(interrupted(lead=float("inf"), known=1.2, texts=split(8))).judged == 0
    with pytest.raises(Broke, match=r"heard to ' done\.'"):
        heard(interrupted(lead=float("inf"), texts=split(8)))


@pytest.mark.parametrize(
    ("model", "goes_on"), [("gemini-3.8-live-extended-thinking", True), ("gemini-3.8-live", False)]
)
def test_words_with_which_a_model_goes_on_after_a_turn_are_of_the_same(model: str, goes_on: bool) -> None:
    told = interrupted(
        model=model, texts={"heard_text": "One two, three", "unheard_text": " four, five six, and done.So"}
    )
    told.service(8.0, 1, "turn_begun", turn=2, stamps="", text="")
    told.service(8.0, 1, "speech_planned", first=81, last=100, text="So it is.")
    told.service(8.1, 1, "transcription_sent", speaker="model", text="So", turn=2)
    if goes_on:
        assert heard(told).judged == 1
        return
    with pytest.raises(Broke, match="and not each once"):
        heard(told)


@pytest.mark.parametrize("fault", ["", "generation_stops"])
def test_words_that_never_come_are_told_nowhere(fault: str) -> None:
    texts = {"heard_text": "One two, three", "unheard_text": " four,So"}
    told = interrupted(model="gemini-3.8-live-extended-thinking", texts=texts)
    told.service(8.0, 1, "turn_begun", turn=2, stamps="", text="")
    told.service(8.0, 1, "speech_planned", first=81, last=100, text="So it is.")
    told.service(8.1, 1, "transcription_sent", speaker="model", text="So", turn=2)
    if fault:
        assert heard(told.service(6.35, 1, "fault_struck", fault=fault)).judged == 0
        return
    with pytest.raises(Broke, match="and not each once"):
        heard(told)


def test_a_generation_that_stops_later_changes_nothing() -> None:
    told = interrupted(texts=split(6)).service(7.0, 1, "fault_struck", fault="generation_stops")
    with pytest.raises(Broke, match="is said to be heard to ' six,'"):
        heard(told)


@pytest.mark.parametrize(("called", "over"), [(True, False), (False, False), (True, True)])
def test_words_with_which_another_link_goes_on_after_a_call_are_of_the_same(called: bool, over: bool) -> None:
    told = interrupted(texts={"heard_text": "One two, three", "unheard_text": " four, five six, and done.So it is."})
    if called:
        told.output(6.3, "tool_call", call="a", name="get_weather")
    if over:
        told.service(7.8, 1, "turn_complete_sent", turn=1)
    told.gateway(7.9, "speech_received", link=1, first=1, last=80).lost(8.0, 1)
    told.dialled(8.0, 2, "RECOVERY").opened(8.5, 2)
    told.service(8.6, 2, "turn_begun", turn=1, stamps="", text="[Note from the voice system]")
    told.service(8.6, 2, "speech_planned", first=81, last=100, text="So it is.")
    told.service(8.7, 2, "transcription_sent", speaker="model", text="So it is.", turn=1)
    if called and not over:
        assert heard(told).judged == 1
        return
    with pytest.raises(Broke, match="and not each once"):
        heard(told)


def gone_on(played: float, count: int, *, comes: bool = False) -> Told:
    """Return a session in which the next link goes on with a turn that called, and so many fragments are heard.

    What the first link was about to say of the result comes only if `comes`.
    """
    told = Told().client(0.0, "session_opened", model="gemini-3.8-live", lead=0.1).dialled(0.0, 1).opened(0.5, 1)
    told.asked(5.0, 0, 99).understood(5.8, 1, 1, 0, 99)
    told.service(6.0, 1, "speech_planned", first=1, last=40, text="Let me look.")
    told.service(6.0, 1, "transcription_sent", speaker="model", text="Let me look.", turn=1)
    told.output(6.3, "tool_call", call="a", name="get_weather")
    told.service(6.5, 1, "speech_planned", first=41, last=120, text="This is it.")
    told.service(6.6, 1, "transcription_sent", speaker="model", text=" This is it.", turn=1)
    told.gateway(7.0, "speech_received", link=1, first=1, last=120 if comes else 40).lost(8.0, 1)
    told.dialled(8.0, 2, "RECOVERY").opened(8.5, 2)
    told.service(8.6, 2, "turn_begun", turn=1, stamps="", text="[Note from the voice system]")
    told.service(8.6, 2, "speech_planned", first=121, last=200, text=SENTENCE)
    for number, text in enumerate(FRAGMENTS):
        told.service(8.7 + number / 10, 2, "transcription_sent", speaker="model", text=text, turn=1)
    told.output(9.0, "audio", bytes=38_400, first=1, last=40).output(9.8, "audio", bytes=76_800, first=121, last=200)
    told.output(10.5, "interrupted", cause="USER", played=played)
    texts = split(count)
    texts["heard_text"] = f"Let me look.{texts['heard_text']}"
    return told.output(10.6, "turn_ended", reason="INTERRUPTED", heard=played, **texts)


def test_words_that_never_came_before_another_link_went_on_are_of_no_part() -> None:
    # The second sentence of the first link takes no time either.
    assert heard(gone_on(0.8 + PLAYED, 4)).judged == 1
    with pytest.raises(Broke, match="is said to be heard to ' six,'"):
        heard(gone_on(0.8 + PLAYED, 6))
    with pytest.raises(Broke, match="not to be heard from ' two,' on"):
        heard(gone_on(0.8 + PLAYED, 1))


def test_words_that_came_before_another_link_went_on_are_told() -> None:
    with pytest.raises(Broke, match="and not each once"):
        heard(gone_on(0.8 + PLAYED, 4, comes=True))


def test_words_that_another_link_misplaces_cannot_be_judged() -> None:
    told = interrupted(texts={"heard_text": "One two, three", "unheard_text": " four, five six, and done.SoSo"})
    told.output(6.3, "tool_call", call="a", name="get_weather").lost(8.0, 1).dialled(8.0, 2, "RECOVERY").opened(8.5, 2)
    told.service(8.5, 2, "fault_struck", fault="duplicate_transcription")
    told.service(8.6, 2, "turn_begun", turn=1, stamps="", text="[Note from the voice system]")
    assert heard(told).judged == 0


def test_a_turn_that_begins_with_audio_that_nobody_can_tell_from_other_cannot_be_judged() -> None:
    told = Told().output(6.1, "audio", bytes=38_400)
    verdict = heard(interrupted(told, texts=split(8)))
    assert (verdict.judged, verdict.cases) == (0, 1)
    # What comes later changes nothing.
    with pytest.raises(Broke, match="heard to"):
        heard(interrupted(texts=split(8)).output(6.3, "audio", bytes=960))


@pytest.mark.parametrize(
    ("heard_text", "unheard_text"),
    [
        ("One two, three", " three four, five six, and done."),
        ("One two, three", " five six, and done."),
        ("One two, th", "ree four, five six, and done."),
        ("", ""),
    ],
)
def test_words_that_are_there_twice_or_missing_or_cut_apart_break_it(heard_text: str, unheard_text: str) -> None:
    with pytest.raises(Broke, match="and not each once"):
        heard(interrupted(texts={"heard_text": heard_text, "unheard_text": unheard_text}))


def test_a_report_that_comes_in_time_is_used() -> None:
    with pytest.raises(Broke, match=r"was reported to be played for 0.720 s and is said to be for 0.600 s"):
        heard(interrupted(known=0.6, reported_at=6.65))


@pytest.mark.parametrize("cut", [{"reported_at": 7.1}, {"reported_at": 6.65, "cause": "CLIENT"}, {"reported_at": None}])
def test_a_report_that_comes_late_or_was_not_needed_is_not(cut: dict[str, Any]) -> None:
    assert heard(interrupted(known=0.6, **cut)).judged == 1


def test_nothing_is_waited_for_once_the_model_is_told() -> None:
    told = Told().gateway(6.55, "resume_noted", outcome="TOLD")
    assert heard(interrupted(told, known=0.6, reported_at=6.65)).judged == 1


@pytest.mark.parametrize(("at", "turn"), [(6.7, 2), (6.9, 2), (6.7, 0)])
def test_nothing_is_waited_for_once_another_turn_has_begun(at: float, turn: int) -> None:
    told = interrupted(known=0.6, reported_at=6.8).output(at, "interrupted", turn, cause="USER", played=0.0)
    if turn and at < 6.8:
        assert heard(told).judged == 1
        return
    with pytest.raises(Broke, match=r"is said to be for 0\.600 s"):
        heard(told)


def test_a_report_is_waited_for_though_what_comes_next_is_cut_with_the_turn() -> None:
    told = Told().output(6.6, "interrupted", 2, cause="USER", played=0.0)
    with pytest.raises(Broke, match=r"is said to be for 0\.600 s"):
        heard(interrupted(told, known=0.6, reported_at=6.65))


def test_where_words_come_with_other_audio_than_theirs_nothing_can_be_told() -> None:
    told = Told().service(5.9, 1, "fault_struck", fault="duplicate_transcription")
    verdict = heard(interrupted(told, texts=split(8)))
    assert (verdict.judged, verdict.cases) == (0, 1)


def test_a_client_that_does_not_tell_what_it_played_cannot_be_judged() -> None:
    assert heard(interrupted(texts=split(8), played=None)).judged == 0


def test_an_interrupt_that_cut_nothing_is_no_case() -> None:
    assert heard(interrupted(cause="NONE")).lacking == "no turn was interrupted that was spoken"


@pytest.mark.parametrize("words", ["One two, three", "… two, three"])
def test_a_model_that_is_told_the_same_keeps_the_promise(words: str) -> None:
    heard(interrupted().gateway(7.0, "heard_told", link=1, text=words).ended(60.0))


def test_a_model_that_is_told_something_else_breaks_it() -> None:
    told = interrupted().gateway(7.0, "heard_told", link=1, text="One two, three four,")
    with pytest.raises(Broke, match=r"told the model at 7\.000 s that 'One two, three four,' was heard"):
        heard(told.ended(60.0))

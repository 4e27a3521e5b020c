"""A link's deadline: it is replaced before the service ends it, even where no moment is quiet."""

from dataclasses import replace

import pytest

from segue.core import events as ev
from segue.core.actions import Renewed, SetUp
from segue.core.options import Modality
from segue.core.outputs import CutCause, EndReason, Interrupted
from segue.core.policy import Policy
from tests.core.conversation import OPTIONS, OTHER_VOICE, POLICY, Conversation, speech
from tests.core.renewing import due


def telling(policy: Policy = POLICY) -> Conversation:
    """Return a conversation whose link is to be replaced, in which the model is to speak 60 s in sentences of 2 s."""
    call = due(policy=policy)
    call.hold()
    call.understand("Tell me a story.")
    for number in range(30):
        call.answer(2.0, f"Sentence {number}. ")
    return call


def test_a_link_is_replaced_before_the_service_ends_it_even_in_mid_turn() -> None:
    call = Conversation.opened()
    call.hand_over("h1")
    call.go_away(10.0)
    begin = call.now
    call.hold()
    for number in range(30):
        call.answer(2.0, f"Sentence {number}. ")
    call.wait(10.0)
    [at] = call.when(SetUp)
    # What `goAway` announces, less a margin.
    assert 0.0 < at - begin < 10.0


def talk_for_ever(call: Conversation, *, hold: bool) -> None:
    """Have the model talk without a pause for up to 700 s, or until its link is replaced."""
    begin, held = call.now, 0
    while call.link == 1 and call.now < begin + 700.0:
        call.answer(1.0, "And so on. ")
        call.wait(1.0)
        if hold and call.next_link not in (1, held):
            held = call.next_link
            call.hold()


def test_a_link_of_an_age_is_replaced_before_ten_minutes_even_in_mid_turn() -> None:
    call = Conversation.opened(replace(OPTIONS, unpaced=True))
    begin = call.now
    talk_for_ever(call, hold=True)
    assert 480.0 < call.now - begin < 600.0
    assert len(call.did(SetUp)) == 1


def test_a_link_of_an_age_works_on_while_there_is_no_other() -> None:
    call = Conversation.opened(replace(OPTIONS, unpaced=True))
    talk_for_ever(call, hold=False)
    assert call.link == 1
    assert call.got(Interrupted) == []


def test_a_turn_that_the_deadline_cuts_plays_to_its_last_whole_sentence() -> None:
    call = telling()
    call.wait(60.0)
    call.link_up()
    call.wait(60.0)
    cut = call.assert_interrupted(2)
    assert cut.cause is CutCause.RECOVERY
    assert cut.heard_text.endswith(". ")
    assert cut.heard_text + cut.unheard_text == "".join(f"Sentence {number}. " for number in range(30))
    ended = call.assert_turn_ended(2)
    assert (ended.reason, ended.heard_text) == (EndReason.INTERRUPTED, cut.heard_text)
    assert call.heard(2) == pytest.approx(ended.heard)
    assert [renewed.cut for renewed in call.did(Renewed)] == [True]


@pytest.mark.parametrize("written", [True, False])
def test_what_comes_behind_a_turn_that_nobody_ended_is_cut_by_the_deadline(written: bool) -> None:
    call = due(replace(OPTIONS, model="gemini-2.0-flash-live-001", modality=Modality.TEXT) if written else OPTIONS)
    call.go_away(10.0)
    call.hold()
    said = ev.ModelText(1, "A story.") if written else ev.ModelAudio(1, speech(1.0))
    call.receive(said)
    call.finish_generation()
    call.receive(said)
    call.wait(6.0)
    call.link_up()
    assert [renewed.cut for renewed in call.did(Renewed)] == [True]


def test_a_turn_that_the_deadline_cuts_goes_on_in_a_new_turn() -> None:
    call = telling()
    call.wait(60.0)
    call.link_up()
    [request] = call.texts(call.link)
    assert "Tell me a story." in request
    call.answer(2.0, "The end.")
    call.finish_generation()
    call.complete()
    call.wait(90.0)
    cut = call.got(Interrupted)
    assert [interrupted.turn for interrupted in cut] == [2]
    assert cut[0].heard_text.strip().splitlines()[-1][-12:] in request
    assert call.assert_turn_ended(3).heard_text == "The end."
    # Asked once.
    assert len(call.texts()) == 1


def test_words_that_the_deadline_cuts_in_two_are_given_whole_to_the_next_link() -> None:
    call = Conversation.opened()
    call.exchange("How are you?", "Fine.")
    call.hand_over("h1")
    call.wait(1.0)
    call.go_away(10.0)
    call.hold()
    call.say(7.0, sample=OTHER_VOICE)
    assert call.link == 2
    call.link_up()
    call.say(3.0, sample=OTHER_VOICE)
    call.wait(4.0)
    assert call.given_seconds(2, OTHER_VOICE) == pytest.approx(10.0)
    # In one piece.
    assert OTHER_VOICE * 160_000 in call.given_audio(2)
    assert [renewed.cut for renewed in call.did(Renewed)] == [False]


def test_a_question_whose_answer_the_deadline_came_before_is_answered_by_the_next_link() -> None:
    call = Conversation.opened()
    call.go_away(10.0)
    call.hold()
    call.wait(0.0)
    call.write("What time is it?")
    call.wait(6.0)
    assert call.link == 2
    call.link_up()
    assert call.texts(2) == ["What time is it?"]
    call.answer(1.0, "Noon.")
    call.finish_generation()
    call.complete()
    call.wait(3.0)
    assert call.assert_turn_ended(1).heard_text == "Noon."


def test_no_handle_at_the_deadline_begins_afresh_with_what_was_said() -> None:
    call = Conversation.opened(replace(OPTIONS, system_instruction="Be brief."))
    call.exchange("Who are you?", "Your guide.")
    call.go_away(10.0)
    call.renew()
    setup = call.setups[-1].setup
    assert setup.handle == ""
    assert setup.system_instruction.startswith("Be brief.")
    assert "Who are you?" in setup.system_instruction
    assert "Your guide." in setup.system_instruction
    [renewed] = call.did(Renewed)
    assert not renewed.resumed

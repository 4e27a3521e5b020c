"""The checkers: what they pass, what they catch, and what they say they cannot check."""

import pytest

from segue.simulator.history import History, Value
from segue.simulator.promises import (
    CHECKERS,
    Broke,
    NotCheckedError,
    Verdict,
    check,
    clean,
    gapless,
    legal,
    ordered,
    silent,
    unique,
)


class Written(History):
    """A history written by hand, one record a second."""

    def output(self, seq: int, arm: str, turn: int = 0, session: str = "call", **fields: Value) -> "Written":
        self.add(len(self), "client", session, "output_received", seq=seq, turn=turn, arm=arm, **fields)
        return self

    def audio(self, seq: int, turn: int) -> "Written":
        return self.output(seq, "audio", turn, bytes=1920)

    def interrupted(self, seq: int, turn: int, cause: str = "CAUSE_USER") -> "Written":
        return self.output(seq, "interrupted", turn, cause=cause)

    def session_ended(self, session: str = "call", **remains: int) -> "Written":
        fields: dict[str, Value] = {"links": 0, "timers": 0, "tasks": 0, **remains}
        self.add(len(self), "gateway", session, "session_ended", **fields)
        return self

    def stopped(self, **remains: int) -> "Written":
        fields: dict[str, Value] = {"tasks": 0, "sessions": 0, "links": 0, **remains}
        self.add(len(self), "gateway", "", "stopped", **fields)
        return self

    def connection_opened(self, name: str = "c1") -> "Written":
        self.add(len(self), "simulator", name, "connection_opened")
        return self

    def connection_closed(self, name: str = "c1", code: int = 1000, reason: str = "", rule: str = "") -> "Written":
        self.add(
            len(self), "simulator", name, "connection_closed", code=code, reason=reason, closed_by="server", rule=rule
        )
        return self


def written() -> Written:
    """Return a history that breaks nothing and lacks nothing."""
    history = Written().connection_opened().output(0, "opened")
    history.audio(1, 1).interrupted(2, 1).output(3, "turn_ended", 1).audio(4, 2).output(0, "input_ack")
    history.output(5, "turn_ended", 2).output(6, "closed")
    return history.connection_closed().session_ended().stopped()


def test_a_history_in_which_all_is_well_has_every_promise_checked() -> None:
    # Those of sessions on several links have their own tests, in the folder of this name.
    report = check(written(), must=CHECKERS.keys() - {"Heard", "Seamless", "Recovering", "Resumable", "Frugal"})
    assert report.checked == ("Ordered", "Gapless", "Unique", "Silent", "Clean", "Legal")
    assert str(report).splitlines()[0] == "Ordered: checked"


def test_an_empty_history_has_no_promise_checked() -> None:
    report = check(History())
    assert report.checked == ()
    told = str(report).splitlines()
    assert "Legal: not checked, the simulator recorded no closed connection" in told
    assert told[-1] == "Fair: not checked, there is no checker for it"


def test_a_promise_that_must_be_checked_and_cannot_be_fails() -> None:
    history = Written().audio(1, 1)
    assert check(history, must={"Ordered", "Gapless"}).checked == ("Ordered", "Gapless", "Unique")
    with pytest.raises(NotCheckedError, match="Silent was not checked, no turn was interrupted"):
        check(history, must={"Silent"})


def test_a_promise_that_nobody_made_cannot_be_asked_for() -> None:
    with pytest.raises(KeyError):
        check(written(), must={"Quick"})


def test_a_broken_promise_fails_though_nobody_asked_for_it() -> None:
    with pytest.raises(Broke) as broke:
        check(Written().audio(2, 1))
    assert broke.value.promise == "Gapless"


@pytest.mark.parametrize("numbers", [(1, 2, 2), (1, 3, 2)])
def test_output_out_of_order_is_caught(numbers: tuple[int, ...]) -> None:
    history = Written()
    for number in numbers:
        history.audio(number, 1)
    with pytest.raises(Broke, match=r"broke Ordered: session call got seq 2 after seq [23]") as broke:
        ordered(history)
    assert broke.value.promise == "Ordered"
    assert gapless(history).lacking == ""


@pytest.mark.parametrize(("lost", "breaks"), [(True, False), (False, True)])
def test_output_may_be_missing_that_a_client_was_told_to_be_lost(lost: bool, breaks: bool) -> None:
    history = Written().audio(1, 1)
    history.output(0, "resumed", output_lost=lost).audio(5, 1)
    if breaks:
        with pytest.raises(Broke, match="got seq 5 and never seq 2"):
            gapless(history)
    else:
        assert gapless(history).lacking == ""


def test_output_that_comes_again_though_it_was_acknowledged_is_caught() -> None:
    history = Written().audio(1, 1)
    history.add(1, "client", "call", "acknowledged", seq=1)
    history.audio(1, 1)
    with pytest.raises(Broke, match="broke Unique: session call got audio of turn 1 in seq 1 again"):
        unique(history)


@pytest.mark.parametrize("here", [True, False])
def test_input_that_one_link_is_given_twice_is_caught(here: bool) -> None:
    history = Written().audio(1, 1)
    history.add(1, "simulator", "call/1", "audio_repeated", first=5, seconds=0.1, here=here)
    if here:
        with pytest.raises(Broke, match=r"connection call/1 was given 0\.1 s of the user's audio from stamp 5 twice"):
            unique(history)
    else:
        assert not unique(history).lacking


@pytest.mark.parametrize(("numbers", "missing"), [((2,), 1), ((1, 2, 4), 3)])
def test_a_number_that_never_comes_is_caught(numbers: tuple[int, ...], missing: int) -> None:
    history = Written()
    for number in numbers:
        history.audio(number, 1)
    with pytest.raises(Broke, match=f"broke Gapless: session call got seq {numbers[-1]} and never seq {missing}"):
        gapless(history)
    assert ordered(history).lacking == ""


def test_audio_out_of_order_is_caught() -> None:
    history = Written().output(1, "audio", 1, first=0, last=4).output(2, "audio", 1, blocks="5-6,9-9")
    assert not ordered(history).lacking
    with pytest.raises(Broke, match="broke Ordered: session call got block 7 of the model's speech after 9"):
        ordered(history.output(3, "audio", 1, first=7, last=8))


def test_audio_of_a_turn_after_that_of_a_later_one_is_caught() -> None:
    with pytest.raises(Broke, match="broke Ordered: session call got audio of turn 1 in seq 3 after that of turn 2"):
        ordered(Written().audio(1, 1).audio(2, 2).audio(3, 1))


def test_output_after_the_end_of_the_session_is_caught() -> None:
    history = Written().audio(1, 1).output(2, "closed").output(0, "input_ack")
    assert not ordered(history).lacking
    with pytest.raises(Broke, match="broke Ordered: session call got audio of turn 1 in seq 3 after it was closed"):
        ordered(history.audio(3, 1))


@pytest.mark.parametrize("arm", ["turn_ended", "audio", "interrupted"])
def test_output_of_a_turn_that_had_ended_is_caught(arm: str) -> None:
    history = Written().audio(1, 1).output(2, "turn_ended", 1).interrupted(3, 1, "NONE")
    assert unique(history) == Verdict("Unique")
    with pytest.raises(Broke, match=f"broke Unique: session call got {arm} of turn 1 in seq 4 after that turn had"):
        unique(history.output(4, arm, 1))


def test_a_turn_that_never_ends_is_caught_where_the_session_was_closed() -> None:
    history = Written().audio(1, 1)
    assert not unique(history).lacking
    with pytest.raises(Broke, match="broke Unique: session call was closed and never got the end of turn 1"):
        unique(history.output(2, "closed"))


def test_a_number_that_is_used_for_two_things_is_caught() -> None:
    history = Written().audio(1, 1).audio(1, 1)
    assert not unique(history).lacking
    with pytest.raises(Broke, match="broke Unique: session call got text of turn 1 in seq 1 and audio of turn 1 in se"):
        unique(history.output(1, "text", 1))


def test_sessions_count_each_for_itself_and_unnumbered_output_not_at_all() -> None:
    history = Written().output(1, "audio", session="one").output(1, "audio", session="other")
    history.output(0, "opened").output(0, "input_ack").output(2, "closed", session="one")
    assert ordered(history).lacking == ""
    assert gapless(history).lacking == ""


@pytest.mark.parametrize("checker", [ordered, gapless, unique])
def test_without_numbered_output_order_is_not_checked(checker: object) -> None:
    assert callable(checker)
    assert checker(Written().output(0, "opened")).lacking == "no numbered output was recorded"


def test_audio_of_a_turn_after_its_interrupted_is_caught() -> None:
    history = Written().audio(1, 1).interrupted(2, 1).audio(3, 1)
    with pytest.raises(Broke, match="broke Silent: session call got audio of turn 1 in seq 3 after its Interrupted"):
        silent(history)


def test_audio_of_other_turns_and_other_sessions_may_follow() -> None:
    history = Written().audio(1, 1).interrupted(2, 1).audio(3, 2).output(1, "audio", 1, session="other")
    assert silent(history) == Verdict("Silent")


@pytest.mark.parametrize("cause", ["NONE", "CAUSE_NONE"])
def test_an_interrupt_that_cut_nothing_silences_nothing(cause: str) -> None:
    history = Written().audio(1, 1).interrupted(2, 1, cause).audio(3, 1)
    assert silent(history).lacking == "no turn was interrupted"


@pytest.mark.parametrize("left", ["links", "timers", "tasks"])
def test_what_remains_of_a_session_is_caught(left: str) -> None:
    history = written().session_ended("other", **{left: 2})
    with pytest.raises(Broke, match=f"broke Clean: 2 {left} remained of session other"):
        clean(history)


@pytest.mark.parametrize("left", ["tasks", "sessions", "links"])
def test_what_remains_of_the_process_is_caught(left: str) -> None:
    with pytest.raises(Broke, match=f"broke Clean: 1 {left} remained of all sessions"):
        clean(Written().stopped(**{left: 1}))


def test_a_session_that_never_ended_is_caught_when_the_process_did() -> None:
    history = Written().audio(1, 1)
    assert clean(history).lacking == "the gateway recorded no end of call"
    with pytest.raises(Broke, match="broke Clean: session call had not ended when the gateway stopped"):
        clean(history.stopped())


def test_a_connection_that_is_never_closed_is_caught() -> None:
    history = written().connection_opened("c2")
    with pytest.raises(Broke, match="broke Clean: connection c2 was never closed"):
        clean(history)
    assert clean(history.connection_closed("c2")) == Verdict("Clean")


def test_without_the_gateways_word_nothing_is_called_clean() -> None:
    assert clean(Written().connection_opened().connection_closed()).lacking


def test_a_close_for_a_broken_rule_is_caught() -> None:
    history = Written().connection_closed(code=1007, reason="Precondition check failed.", rule="nothing before setup")
    message = 'broke Legal: connection c1 violated "nothing before setup" and was closed with 1007 Precondition check'
    with pytest.raises(Broke, match=message):
        legal(history)


def test_closes_that_break_no_rule_are_legal() -> None:
    assert legal(Written().connection_closed().connection_closed("c2", 1011)) == Verdict("Legal")
    assert legal(Written().connection_opened()).lacking


def test_a_wrong_key_is_no_illegal_message() -> None:
    refused = Written().connection_closed(code=1007, reason="API key not valid.", rule="api_key_invalid")
    assert legal(refused) == Verdict("Legal")

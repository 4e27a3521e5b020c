"""Sessions across connections: handles, what a resumed session remembers, and which audio it never got."""

from random import Random
from typing import Any

import pytest

from segue.simulator.conversation.context import Context, Entry
from segue.simulator.conversation.sessions import Memory, Resumed, Session, Sessions
from segue.simulator.conversation.stamps import Account, StampReader, stamp
from segue.simulator.dialogue import Place
from segue.simulator.dialogue_file import parse_dialogue
from segue.simulator.rules.endings import HANDLE_INVALID, SESSION_STILL_OPEN
from segue.simulator.rules.rules import HANDLE_UNKNOWN
from segue.simulator.service import Service
from segue.simulator.switches import Switches
from segue.simulator.timing import Timing
from tests.simulator.live_client import (
    HALF_CASCADE,
    LEGACY,
    NATIVE,
    NEWEST,
    TRANSCRIPTIONS,
    VERTEX,
    VERTEX_NEWEST,
    VOICE,
    LiveClient,
    manual,
    silence,
    speech,
    upgrade_to,
)

DIALOGUE = parse_dialogue(
    """
    [[utterances]]
    user = "I live in Oslo."
    model = "Good to know."
    [[further]]
    user = "What did I say before?"
    model = "{recall}"
    [[texts]]
    words = ["instruction"]
    model = "I was told: {instruction}"
    [[texts]]
    words = ["before"]
    model = "{recall}"
    [[fallback]]
    model = "I see."
    """,
    "test",
)
RESUMPTION: dict[str, Any] = {"sessionResumption": {}, **TRANSCRIPTIONS}


def _service(**switches: Any) -> Service:
    return Service(DIALOGUE, VOICE, switches=Switches(**switches))


def _instruction(text: str) -> dict[str, Any]:
    return {"systemInstruction": {"parts": [{"text": text}]}}


def _answer(client: LiveClient, text: str) -> str:
    """Return what the model answers to a text."""
    before = client.said()
    client.content(text)
    client.wait_for("turnComplete")
    return client.said().removeprefix(before)


class TestStore:
    """The store of handles on its own."""

    def setup_method(self) -> None:
        self.sessions = Sessions()
        self.session = Session("m")
        self.sessions.save(self.session, "h", Memory(Place(spoken=1)))

    def _resume(self, now: float = 0.0, **switches: Any) -> object:
        return self.sessions.resume("h", Switches(**switches), now)

    def test_handle_is_good_until_its_lifetime_after_the_end_of_the_session(self) -> None:
        self.sessions.leave(self.session, 1000.0)
        assert isinstance(self._resume(8199.0), Resumed)
        self.sessions.leave(self.session, 9000.0)
        assert isinstance(self._resume(16199.0), Resumed)
        self.sessions.leave(self.session, 16200.0)
        assert self._resume(16800.0, handle_lifetime=600.0) == HANDLE_UNKNOWN
        assert len(self.sessions) == 0

    def test_session_that_is_open_elsewhere_is_refused_or_not(self) -> None:
        assert self._resume() == SESSION_STILL_OPEN
        assert isinstance(self._resume(resume_while_open=True), Resumed)
        self.sessions.leave(self.session, 0.0)
        assert self._resume() == SESSION_STILL_OPEN
        self.sessions.leave(self.session, 0.0)
        assert isinstance(self._resume(), Resumed)

    def test_handle_works_twice_or_not(self) -> None:
        for _ in range(2):
            self.sessions.leave(self.session, 0.0)
            assert isinstance(self._resume(), Resumed)
        self.sessions.leave(self.session, 0.0)
        assert self._resume(handle_works_twice=False) == HANDLE_INVALID

    def test_handle_is_good_with_the_key_alone_that_began_the_session(self) -> None:
        self.sessions.save(Session("m", connections=0, key="mine"), "k", Memory())
        assert self.sessions.resume("k", Switches(), 0.0, "another") == HANDLE_UNKNOWN
        assert self.sessions.resume("k", Switches(), 0.0) == HANDLE_UNKNOWN
        assert isinstance(self.sessions.resume("k", Switches(), 0.0, "mine"), Resumed)

    def test_what_is_resumed_does_not_change_what_is_saved(self) -> None:
        self.sessions.leave(self.session, 0.0)
        for _ in range(2):
            resumed = self._resume(resume_while_open=True)
            assert isinstance(resumed, Resumed)
            assert not resumed.memory.context.entries
            resumed.memory.context.add(Entry("user", "x", {}))

    def test_store_is_bounded(self) -> None:
        for number in range(100):
            self.sessions.save(self.session, f"{number}", Memory())
        assert len(self.sessions) == 64
        for number in range(3000):
            other = Session("m")
            self.sessions.save(other, f"other-{number}", Memory(context=Context("x")))
            self.sessions.leave(other, float(number))
        assert len(self.sessions) == 2000 + 64

    def test_handle_that_nobody_has_cannot_be_poisoned(self) -> None:
        self.sessions.poison("none")


def test_text_that_waited_for_an_activity_is_not_taken_for_said_before() -> None:
    client = LiveClient(_service()).set_up(**manual(), **TRANSCRIPTIONS)
    for text in ("One", "before"):
        client.text(text)
        client.signal("activityStart")
        client.signal("activityEnd")
        client.wait_for("turnComplete")
    assert client.said() == "I see.You said: One."


def test_resumed_session_remembers_what_was_said() -> None:
    client = LiveClient(_service()).set_up(**RESUMPTION)
    client.say(speech(0.5) + silence(0.9))
    client.wait_for("turnComplete")
    _answer(client, "I have a cat.")
    handle = client.handle()
    resumed = client.resume(handle, **TRANSCRIPTIONS)
    resumed.say(speech(0.5) + silence(0.9))
    resumed.wait_for("turnComplete")
    assert resumed.said() == "You said: I live in Oslo., then: I have a cat."


def test_older_handle_has_forgotten_what_came_after_it() -> None:
    client = LiveClient(_service()).set_up(**RESUMPTION)
    client.content("One")
    older = client.handle()
    client.content("Two")
    newer = client.handle()
    resumed = client.resume(older, **TRANSCRIPTIONS)
    assert _answer(resumed, "before") == "You said: One."
    assert _answer(resumed.resume(newer, **TRANSCRIPTIONS), "before") == "You said: One, then: Two."


def test_generation_under_way_is_not_continued_and_what_was_not_answered_may_be_known() -> None:
    client = LiveClient(_service(handles_mid_turn=True)).set_up(NEWEST, **RESUMPTION)
    client.content("One")
    handle = client.handle()
    assert not client.times("modelTurn")
    resumed = client.resume(handle, NEWEST, **TRANSCRIPTIONS)
    resumed.wait(30)
    assert not resumed.times("modelTurn")
    assert _answer(resumed, "before") == "You said: One."


@pytest.mark.parametrize("model", [NATIVE, NEWEST])
def test_handle_in_a_turn_is_for_newer_families_where_at_all(model: str) -> None:
    client = LiveClient(_service(handles_mid_turn=True)).set_up(model, **RESUMPTION)
    client.content("One")
    assert bool(client.got[-1][1]["sessionResumptionUpdate"]) is (model == NEWEST)


def test_new_handle_comes_after_each_resumption() -> None:
    client = LiveClient(_service()).set_up(**RESUMPTION)
    client.content("One")
    first = client.handle()
    resumed = client.resume(first, **TRANSCRIPTIONS)
    second = resumed.got[1][1]["sessionResumptionUpdate"]["newHandle"]
    assert second != first
    assert _answer(resumed.resume(second, **TRANSCRIPTIONS), "before") == "You said: One."


@pytest.mark.parametrize("wins", [True, False])
def test_instruction_of_a_resumed_session(wins: bool) -> None:
    client = LiveClient(_service(resumed_instruction_wins=wins)).set_up(**RESUMPTION, **_instruction("old"))
    client.content("One")
    resumed = client.resume(client.handle(), **TRANSCRIPTIONS, **_instruction("new"))
    assert _answer(resumed, "instruction") == f"I was told: {'old' if wins else 'new'}"


def test_instruction_can_change_in_mid_session() -> None:
    client = LiveClient(_service(), upgrade_to(VERTEX)).set_up(VERTEX_NEWEST, **TRANSCRIPTIONS, **_instruction("a"))
    assert _answer(client, "instruction") == "I was told: a"
    client.send({"contextUpdate": {"systemInstruction": {"parts": [{"text": "b"}]}}})
    assert _answer(client, "instruction") == "I was told: b"
    turns = [{"role": "system", "parts": [{"text": "c"}]}, {"role": "user", "parts": [{"text": "instruction"}]}]
    client.send({"clientContent": {"turns": turns, "turnComplete": True}})
    client.wait_for("turnComplete")
    assert client.said().endswith("I was told: c")


def test_context_update_may_be_unknown_to_the_developer_api() -> None:
    client = LiveClient(_service(context_update_on_developer=False)).set_up(NEWEST)
    client.send({"contextUpdate": {"systemInstruction": {"parts": [{"text": "b"}]}}})
    assert client.close
    assert (client.close.code, client.close.rule) == (1007, "field_unknown")


def _resume_with(handle: str, service: Service, model: str = HALF_CASCADE) -> LiveClient:
    client = LiveClient(service, seed=2, now=1000.0)
    client.send({"setup": {"model": model, "sessionResumption": {"handle": handle}}})
    client.wait(1)
    return client


def _open(service: Service) -> tuple[LiveClient, str]:
    client = LiveClient(service).set_up(**RESUMPTION)
    client.content("One")
    return client, client.handle()


def test_resuming_while_the_old_connection_is_open_is_refused() -> None:
    client, handle = _open(service := _service())
    refused = _resume_with(handle, service)
    assert refused.close
    assert (refused.close.code, refused.close.rule) == (1011, "session_still_open")
    assert not refused.got
    client.hang_up()
    assert _resume_with(handle, service).close is None


def test_resuming_while_the_old_connection_is_open_may_work() -> None:
    client, handle = _open(service := _service(resume_while_open=True))
    assert _resume_with(handle, service).close is None
    client.content("Two")
    client.wait_for("turnComplete")


def test_connection_that_the_service_closed_is_not_open_any_more() -> None:
    client, handle = _open(service := _service())
    client.signal("activityStart")
    assert client.close
    assert _resume_with(handle, service).close is None


def test_expired_handle_is_not_found() -> None:
    client, handle = _open(service := _service(handle_lifetime=0.0))
    client.hang_up()
    refused = _resume_with(handle, service)
    assert refused.close
    assert (refused.close.code, refused.close.rule) == (1008, "handle_unknown")


def test_spent_handle_may_be_invalid() -> None:
    client, handle = _open(service := _service(handle_works_twice=False))
    client.hang_up()
    _resume_with(handle, service).hang_up()
    refused = _resume_with(handle, service)
    assert refused.close
    assert (refused.close.code, refused.close.reason) == (1007, "Invalid session handle")


def test_handle_of_another_model_is_taken_and_then_refused_for_ever() -> None:
    client, handle = _open(service := _service())
    client.hang_up()
    for _ in range(2):
        refused = _resume_with(handle, service, NEWEST)
        assert refused.order() == ["setupComplete"]
        assert refused.close
        assert (refused.close.code, refused.close.reason) == (1011, "Internal error encountered.")


def test_poisoned_session_hears_and_never_answers() -> None:
    client, handle = _open(service := _service())
    service.sessions.poison(handle)
    poisoned = client.resume(handle, **TRANSCRIPTIONS)
    poisoned.say(speech(0.5) + silence(0.9))
    poisoned.content("Hello?")
    poisoned.wait(60)
    assert poisoned.joined("inputTranscription") == " I live in Oslo."
    assert not poisoned.times("turnComplete")


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_share_of_handles_may_be_poisoned(share: float) -> None:
    client, handle = _open(Service(DIALOGUE, VOICE, switches=Switches(poisoned_handles=share)))
    resumed = client.resume(handle)
    resumed.content("Hello?")
    resumed.wait(60)
    assert bool(resumed.times("turnComplete")) is not bool(share)


def test_handle_may_come_unasked() -> None:
    client = LiveClient(_service(handles_unasked=True)).set_up()
    assert client.got[1][1]["sessionResumptionUpdate"]["resumable"] is True
    assert len(LiveClient(_service()).set_up().got) == 1


@pytest.mark.parametrize("setup_has_index", [True, False])
def test_transparent_resumption_names_the_last_message_that_was_consumed(setup_has_index: bool) -> None:
    client = LiveClient(_service(setup_has_index=setup_has_index), upgrade_to(VERTEX))
    client.set_up(VERTEX_NEWEST, sessionResumption={"transparent": True})
    client.burst(silence(0.02))
    client.burst(silence(0.02))
    client.content("One")
    client.burst(silence(0.02))
    client.handle()
    [full] = [m["sessionResumptionUpdate"] for _, m in client.got if m.get("sessionResumptionUpdate")]
    # The last of four messages after the setup.
    assert full["lastConsumedClientMessageIndex"] == ("4" if setup_has_index else "3")


def test_messages_of_an_utterance_under_way_are_not_consumed() -> None:
    client = LiveClient(_service(), upgrade_to(VERTEX))
    client.set_up(
        VERTEX_NEWEST,
        sessionResumption={"transparent": True},
        realtimeInputConfig={"activityHandling": "NO_INTERRUPTION"},
    )
    client.content("One")
    client.say(silence(0.2))
    client.say(speech(3.0))
    client.handle()
    [full] = [m["sessionResumptionUpdate"] for _, m in client.got if m.get("sessionResumptionUpdate")]
    assert full["lastConsumedClientMessageIndex"] == "11"


@pytest.mark.parametrize("mid_turn", [True, False])
def test_a_text_that_is_answered_in_the_middle_of_an_utterance_has_none_of_that_be_consumed(mid_turn: bool) -> None:
    client = LiveClient(_service(handles_mid_turn=mid_turn), upgrade_to(VERTEX))
    client.set_up(VERTEX_NEWEST, sessionResumption={"transparent": True})
    client.say(silence(0.2))
    client.say(stamp(speech(0.5)))
    client.content("One")
    client.say(stamp(speech(2.5), 25))
    resumed = client.resume(client.handle(), VERTEX_NEWEST)
    resumed.say(stamp(speech(0.5)))
    updates = [m["sessionResumptionUpdate"] for _, m in client.got if m.get("sessionResumptionUpdate")]
    # The setup and 0.2 s of silence, 20 ms a message.
    assert {update["lastConsumedClientMessageIndex"] for update in updates} == {"10"}
    assert resumed.history.of("simulator", "audio_repeated") == []


def test_handle_in_a_turn_stands_for_what_the_turn_answers() -> None:
    client = LiveClient(_service(handles_mid_turn=True), upgrade_to(VERTEX))
    client.set_up(VERTEX_NEWEST, sessionResumption={"transparent": True})
    client.say(speech(0.5) + silence(0.9))
    [update] = [m["sessionResumptionUpdate"] for _, m in client.got if "sessionResumptionUpdate" in m]
    # The setup, half a second of speech and 0.8 s of silence, 20 ms a message.
    assert update["lastConsumedClientMessageIndex"] == "65"


def test_new_instructions_alone_ask_for_no_answer() -> None:
    client = LiveClient(_service(), upgrade_to(VERTEX)).set_up(VERTEX_NEWEST)
    turns = [{"role": "system", "parts": [{"text": "c"}]}]
    client.send({"clientContent": {"turns": turns, "turnComplete": True}})
    client.wait(10)
    assert client.order() == ["setupComplete"]
    assert client.close is None


class TestStamps:
    """Numbers in the lowest bits of the samples."""

    def test_stamps_are_found_however_the_audio_is_cut(self) -> None:
        audio = stamp(speech(0.5) + silence(0.5), 7)
        for size in (1, 639, 640, 1000, 4000):
            reader = StampReader()
            numbers = [n for at in range(0, len(audio), size) for n in reader.read(audio[at : at + size])]
            assert numbers == list(range(7, 57))

    def test_audio_without_stamps_has_none(self) -> None:
        reader = StampReader()
        assert not reader.read(speech(1.0) + silence(1.0) + Random(1).randbytes(64000))

    def test_stamps_cannot_be_heard(self) -> None:
        client = LiveClient(_service()).set_up()
        client.say(stamp(silence(3.0)))
        client.wait(5)
        assert client.order() == ["setupComplete"]

    def test_account_of_what_came(self) -> None:
        account = Account().add([0, 1, 2]).add([5, 6]).add([6, 2])
        assert account.got == ((0, 2), (5, 6))
        assert account.lost == ((3, 4),)
        assert (account.lost_seconds, account.repeated_seconds) == (0.04, 0.04)
        late = account.add([4, 3])
        assert (late.got, late.lost) == (((0, 6),), ())
        assert Account().add([2]).lost == ((0, 1),)


def test_audio_lost_with_a_connection_is_told() -> None:
    client = LiveClient(_service()).set_up(**RESUMPTION)
    spoken = stamp(speech(0.5) + silence(1.0) + speech(1.0) + silence(1.0))
    first, second = spoken[: 75 * 640], spoken[75 * 640 :]
    client.say(first)
    handle = client.handle()
    client.say(second[: 25 * 640])
    resumed = client.resume(handle, **TRANSCRIPTIONS)
    resumed.say(second[25 * 640 :])
    resumed.wait_for("turnComplete")
    assert resumed.said() == "You said: I live in Oslo. Of your audio I never got 0.5 seconds."
    [lost] = resumed.history.of("simulator", "audio_lost")
    assert lost.fields == {"first": 75, "last": 99, "seconds": 0.5}


def test_audio_that_comes_again_is_told() -> None:
    client = LiveClient(_service()).set_up(**RESUMPTION)
    spoken = stamp(speech(0.5) + silence(1.0) + speech(1.0) + silence(1.0))
    client.say(spoken[: 75 * 640])
    resumed = client.resume(client.handle(), **TRANSCRIPTIONS)
    resumed.say(spoken[70 * 640 :])
    resumed.wait_for("turnComplete")
    assert resumed.said() == "You said: I live in Oslo. Of your audio I got 0.1 seconds twice."
    repeated = resumed.history.of("simulator", "audio_repeated")
    assert sum(float(record.fields["seconds"] or 0) for record in repeated) == pytest.approx(0.1)


def test_audio_that_is_sent_again_after_a_loss_is_neither_lost_nor_repeated() -> None:
    client = LiveClient(_service()).set_up(**RESUMPTION)
    spoken = stamp(speech(0.5) + silence(1.0) + speech(1.0) + silence(1.0))
    client.say(spoken[: 75 * 640])
    handle = client.handle()
    client.say(spoken[75 * 640 : 100 * 640])
    resumed = client.resume(handle, **TRANSCRIPTIONS)
    resumed.say(spoken[75 * 640 :])
    resumed.wait_for("turnComplete")
    assert resumed.said() == "You said: I live in Oslo."


def test_audio_outside_a_signalled_activity_is_lost() -> None:
    client = LiveClient(_service()).set_up(**manual(), **TRANSCRIPTIONS)
    spoken = stamp(speech(1.0))
    client.say(spoken[: 10 * 640])
    client.signal("activityStart")
    client.say(spoken[10 * 640 :])
    client.signal("activityEnd")
    client.wait_for("turnComplete")
    [lost] = client.history.of("simulator", "audio_lost")
    assert lost.fields == {"first": 0, "last": 9, "seconds": 0.2}


def test_seeded_history_is_remembered_but_not_by_the_first_spoken_turn_of_an_older_model() -> None:
    for model, remembered in ((NATIVE, "You said nothing."), (NEWEST, "You said: One.")):
        service = _service()
        service.dialogue = parse_dialogue(
            '[[utterances]]\nuser = "Hm?"\nmodel = "{recall}"\n[[fallback]]\nmodel = "{recall}"', "test"
        )
        client = LiveClient(service).set_up(model, **TRANSCRIPTIONS)
        client.content("One", complete=False)
        client.wait(1)
        client.say(speech(0.5) + silence(0.9))
        client.wait_for("turnComplete")
        assert client.said() == remembered
        client.say(speech(0.5) + silence(0.9))
        client.wait_for("turnComplete")
        assert client.said().endswith("You said: One, then: Hm?")


def _seed(client: LiveClient, *roles: str, complete: bool) -> None:
    turns = [{"role": role, "parts": [{"text": f"{role} {number}"}]} for number, role in enumerate(roles)]
    client.send({"clientContent": {"turns": turns, "turnComplete": complete}})


def test_history_that_ends_with_the_model_is_unheard_by_an_older_model() -> None:
    client = LiveClient(_service()).set_up(NATIVE, **TRANSCRIPTIONS)
    _seed(client, "user", "model", complete=False)
    assert _answer(client, "before") == "You said nothing."
    _seed(client, "user", "model", "user", complete=False)
    client.wait(1)
    assert _answer(client, "before").startswith("You said: before, then: user 0, then: user 2.")


def test_initial_history_may_end_with_the_model_and_asks_for_no_answer() -> None:
    client = LiveClient(_service()).set_up(
        LEGACY, **TRANSCRIPTIONS, historyConfig={"initialHistoryInClientContent": True}
    )
    _seed(client, "user", "model", complete=True)
    client.wait(10)
    assert client.order() == ["setupComplete"]
    client.text("before")
    client.wait_for("turnComplete")
    assert client.said() == "You said: user 0."


@pytest.mark.parametrize(("refused", "later"), [(True, False), (False, False), (False, True)])
def test_when_content_is_taken_by_the_legacy_family(refused: bool, later: bool) -> None:
    service = _service(initial_history_refused=refused, content_after_model_turn=later)
    client = LiveClient(service).set_up(LEGACY, historyConfig={"initialHistoryInClientContent": True})
    _seed(client, "user", complete=True)
    if refused:
        assert client.close
        assert (client.close.code, client.close.rule) == (1007, "history_refused")
        return
    client.text("hello")
    client.wait_for("turnComplete")
    client.content("And?")
    assert (client.close is None) is later
    if client.close:
        assert (client.close.code, client.close.rule) == (1007, "content_in_session")


def test_connections_may_live_long_and_end_without_a_word() -> None:
    client = LiveClient(_service(long_connections=True)).set_up()
    client.wait(3600)
    assert client.order() == ["setupComplete"]
    assert client.close
    assert (client.close.code, client.close.reason) == (1011, "Deadline expired before operation could complete.")
    [closed] = client.history.of("simulator", "connection_closed")
    assert closed.at == 3480


def test_cap_may_close_with_1011() -> None:
    client = LiveClient(_service(cap_closes_with_1011=True)).set_up()
    client.wait(600)
    assert client.times("goAway") == [540]
    assert client.close
    assert client.close.code == 1011


def test_session_goes_on_after_go_away() -> None:
    client = LiveClient(_service()).set_up(**TRANSCRIPTIONS)
    client.wait_for("goAway", limit=600)
    assert _answer(client, "Hello?") == "I see."


def test_connection_without_audio_may_be_closed() -> None:
    client = LiveClient(_service(idle_timeout=180.0)).set_up()
    client.wait(100)
    client.burst(silence(0.02))
    client.content("Text is no audio.")
    client.wait(179)
    assert client.close is None
    client.wait(2)
    assert client.close
    assert (client.close.code, client.close.reason) == (1008, "The operation was aborted.")


def test_hours_of_conversation_survive_on_one_connection_after_the_other() -> None:
    service = Service(DIALOGUE, VOICE, Timing(go_away_after=60.0, close_after=70.0))
    client = LiveClient(service).set_up(**RESUMPTION)
    for number in range(20):
        client.content(f"Line {number}")
        handle = client.handle()
        client.wait_for("goAway", limit=600)
        client = client.resume(handle, **TRANSCRIPTIONS)
    assert _answer(client, "before") == f"You said: {', then: '.join(f'Line {number}' for number in range(20))}."

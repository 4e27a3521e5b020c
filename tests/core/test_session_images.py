"""Images: the newest one counts, at most one a second, and a new link is shown it again."""

from dataclasses import replace

import pytest

from segue.core import events as ev
from segue.core.actions import ImageDropped, SendActivity, SendImage, SendText
from segue.core.options import FunctionDeclaration, Mode
from segue.core.outputs import InputRejected, Rejection
from tests.core.conversation import OPTIONS, Conversation

MANUAL = replace(OPTIONS, mode=Mode.MANUAL)
NATIVE = replace(MANUAL, model="gemini-2.5-flash-native-audio")
GATED = replace(OPTIONS, model=NATIVE.model, functions=(FunctionDeclaration("weather"),))


def show(call: Conversation, content: bytes) -> None:
    call.receive(ev.ImageReceived(0, content, "image/png"))


def shown(call: Conversation, link: int | None = None) -> list[bytes]:
    return [image.content for image in call.did(SendImage) if link in (None, image.link)]


def test_an_image_goes_to_the_model_at_once_and_unchanged() -> None:
    call = Conversation.opened()
    show(call, b"one")
    assert call.did(SendImage) == [SendImage(1, b"one", "image/png")]
    assert call.session.held_bytes == 3


def test_of_the_images_of_a_second_the_newest_goes_and_the_others_are_counted() -> None:
    call = Conversation.opened()
    begin = call.now
    for content in (b"one", b"two", b"three", b"four"):
        show(call, content)
        call.wait(0.1)
    assert shown(call) == [b"one"]
    call.wait(1.0)
    assert shown(call) == [b"one", b"four"]
    assert call.when(SendImage) == [begin, pytest.approx(begin + 1.0)]
    assert len(call.did(ImageDropped)) == 2
    assert call.session.held_bytes == 4


def test_an_image_waits_for_the_first_link() -> None:
    call = Conversation()
    call.open()
    show(call, b"one")
    show(call, b"two")
    assert shown(call) == []
    call.link_up()
    assert shown(call) == [b"two"]
    assert len(call.did(ImageDropped)) == 1


def test_words_that_come_after_an_image_do_not_overtake_it() -> None:
    call = Conversation.opened()
    show(call, b"one")
    show(call, b"two")
    call.write("What is this?")
    assert [type(action) for action in call.actions if isinstance(action, SendImage | SendText)] == [
        SendImage,
        SendImage,
        SendText,
    ]
    assert shown(call) == [b"one", b"two"]


def test_another_link_is_shown_the_last_image_again() -> None:
    call = Conversation.opened()
    show(call, b"one")
    call.wait(10.0)
    call.lose_link()
    call.wait(1.0)
    call.link_up()
    assert shown(call, 2) == [b"one"]
    call.wait(30.0)
    assert shown(call, 2) == [b"one"]


def test_an_image_that_nobody_was_shown_is_shown_to_the_link_that_follows() -> None:
    call = Conversation.opened()
    show(call, b"one")
    show(call, b"two")
    call.lose_link()
    show(call, b"three")
    call.wait(1.0)
    call.link_up()
    assert shown(call, 2) == [b"three"]
    assert len(call.did(ImageDropped)) == 1


def test_a_newer_image_takes_the_place_of_one_that_was_shown_before() -> None:
    call = Conversation.opened()
    show(call, b"one")
    call.lose_link()
    show(call, b"two")
    call.wait(1.0)
    call.link_up()
    call.wait(1.0)
    assert shown(call, 2) == [b"two"]
    assert call.did(ImageDropped) == []


def test_an_old_image_is_forgotten() -> None:
    call = Conversation.opened()
    show(call, b"one")
    call.wait(59.9)
    assert call.session.held_bytes == 3
    call.wait(0.2)
    assert call.session.held_bytes == 0
    call.lose_link()
    call.wait(1.0)
    call.link_up()
    assert shown(call, 2) == []


def test_what_the_service_may_have_called_invalid_is_not_shown_again() -> None:
    call = Conversation.opened()
    show(call, b"one")
    call.lose_link(ev.LossCause.INVALID)
    call.wait(1.0)
    call.link_up()
    call.wait(2.0)
    assert shown(call, 2) == []
    assert call.session.held_bytes == 0


def test_nothing_is_shown_while_a_call_is_under_way_that_audio_would_break() -> None:
    call = Conversation.opened(GATED)
    call.write("What is the weather?")
    call.call("c1")
    show(call, b"one")
    call.say(0.6)
    assert shown(call) == []
    call.respond("c1")
    call.say(0.6)
    assert shown(call) == [b"one"]


class TestServer:
    """SERVER: older models see nothing of what is shown while they hear nobody."""

    SPOKEN = replace(OPTIONS, model=NATIVE.model)

    def test_an_image_waits_for_the_users_next_words(self) -> None:
        call = Conversation.opened(self.SPOKEN)
        show(call, b"one")
        call.say(0.6, voiced=False)
        call.say(0.2)
        assert shown(call) == []
        call.say(0.4)
        assert shown(call) == [b"one"]
        show(call, b"two")
        call.say(1.2)
        assert shown(call) == [b"one", b"two"]

    def test_what_is_shown_with_a_text_is_shown_again_to_who_may_not_have_seen_it(self) -> None:
        call = Conversation.opened(self.SPOKEN)
        show(call, b"one")
        call.write("What is this?")
        assert shown(call) == [b"one"]
        call.wait(2.0)
        call.say(0.6)
        assert shown(call) == [b"one", b"one"]

    def test_a_model_whose_turns_include_all_sees_it_at_once(self) -> None:
        call = Conversation.opened(replace(OPTIONS, model="gemini-live-2.5-flash-native-audio"))
        show(call, b"one")
        assert shown(call) == [b"one"]


class TestManual:
    """MANUAL: older models see nothing of what is shown between activities."""

    def test_newer_models_see_it(self) -> None:
        call = Conversation.opened(MANUAL)
        show(call, b"one")
        assert shown(call) == [b"one"]

    def test_for_older_ones_it_waits_for_the_next_activity(self) -> None:
        call = Conversation.opened(NATIVE)
        show(call, b"one")
        call.wait(2.0)
        assert shown(call) == []
        call.press()
        call.say(0.4)
        assert shown(call) == [b"one"]
        order = [type(action) for action in call.actions if isinstance(action, SendImage | SendActivity)]
        assert order == [SendActivity, SendImage]

    def test_or_for_a_text(self) -> None:
        call = Conversation.opened(NATIVE)
        show(call, b"one")
        call.write("What is this?")
        assert shown(call) == [b"one"]


def test_a_session_that_ends_takes_no_more_images() -> None:
    call = Conversation.opened()
    call.write("Hello!")
    call.end_input()
    show(call, b"one")
    (rejected,) = call.got(InputRejected)
    assert rejected.reason is Rejection.ENDING


def test_a_repeated_image_is_not_shown_again() -> None:
    call = Conversation.opened()
    call.receive(ev.ImageReceived(1, b"one", "image/png"))
    call.receive(ev.ImageReceived(1, b"one", "image/png"))
    call.wait(2.0)
    assert shown(call) == [b"one"]

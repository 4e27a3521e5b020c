"""What is kept of a session's input, to be said again, and under which numbers."""

from segue_client.kept_input import KeptInput
from segue_client.segue.v1.client_event_pb2 import ClientEvent, UserText
from segue_client.segue.v1.open_session_pb2 import AudioFormat

LINEAR16 = AudioFormat(encoding=AudioFormat.ENCODING_LINEAR16, sample_rate_hertz=16000)
MULAW = AudioFormat(encoding=AudioFormat.ENCODING_MULAW, sample_rate_hertz=8000)
SECOND = bytes(8000)


def text(words: str) -> ClientEvent:
    return ClientEvent(text=UserText(text=words))


def keep(*events: ClientEvent, audio: AudioFormat = MULAW) -> KeptInput:
    kept = KeptInput(audio)
    for event in events:
        kept.add(event)
    return kept


def shown(kept: KeptInput) -> list[tuple[int, str]]:
    return [(event.seq, event.text.text or f"{len(event.audio)} bytes") for event in kept.again()]


def test_inputs_are_numbered_from_1() -> None:
    assert shown(keep(text("a"), text("b"))) == [(1, "a"), (2, "b")]


def test_what_the_gateway_has_is_let_go_of() -> None:
    kept = keep(text("a"), ClientEvent(audio=SECOND), text("b"))
    kept.acknowledge(2)
    kept.acknowledge(1)
    assert shown(kept) == [(3, "b")]
    kept.acknowledge(9)
    assert not kept
    kept.add(text("c"))
    assert shown(kept) == [(4, "c")]


def test_what_is_said_again_is_no_event_that_was_sent() -> None:
    sent = text("a")
    kept = keep(sent)
    for again in kept.again():
        again.channel = 7
    assert sent.channel == 0


def test_half_a_minute_of_audio_is_kept_in_its_format() -> None:
    kept = keep(*(ClientEvent(audio=SECOND) for _ in range(40)))
    assert len(kept) == 30
    kept = keep(*(ClientEvent(audio=SECOND) for _ in range(140)), audio=LINEAR16)
    assert len(kept) == 120


def test_the_oldest_audio_goes_first_and_leaves_no_gap_but_before_the_first() -> None:
    kept = keep(text("a"), *(ClientEvent(audio=SECOND) for _ in range(30)), text("b"), ClientEvent(audio=SECOND))
    again = kept.again()
    assert [event.seq for event in again] == list(range(2, 34))
    assert [again[0].text.text, again[-2].text.text] == ["a", "b"]
    # Under these numbers they are acknowledged.
    kept.acknowledge(2)
    assert [event.seq for event in kept.again()] == list(range(3, 34))
    kept.add(text("c"))
    assert kept.again()[-1].seq == 34


def test_of_other_inputs_the_oldest_goes_first() -> None:
    kept = keep(ClientEvent(audio=SECOND), *(text(str(number)) for number in range(258)))
    again = kept.again()
    assert [again[1].text.text, again[-1].text.text, len(again)] == ["2", "257", 257]
    assert [again[0].seq, again[-1].seq] == [3, 259]


def test_audio_that_no_format_was_given_for_is_not_kept() -> None:
    kept = keep(ClientEvent(audio=SECOND), text("a"), audio=AudioFormat())
    assert shown(kept) == [(2, "a")]

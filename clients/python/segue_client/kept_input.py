"""The input of a session that may have to be said again: numbered, and kept until the gateway needs it no more."""

from collections import deque

from segue_client.segue.v1.client_event_pb2 import ClientEvent
from segue_client.segue.v1.open_session_pb2 import AudioFormat

# What is kept at most: so many seconds of audio, and so many other inputs.
_MAX_AUDIO = 30
_MAX_OTHERS = 256


class KeptInput:
    """Numbers inputs from 1, and keeps 30 s of audio in this format and 256 other inputs; of more, the oldest goes."""

    def __init__(self, audio: AudioFormat) -> None:
        bytes_per_sample = 2 if audio.encoding == AudioFormat.ENCODING_LINEAR16 else 1
        self._max_audio_bytes = _MAX_AUDIO * audio.sample_rate_hertz * bytes_per_sample
        self._last = 0
        self._kept: deque[ClientEvent] = deque()
        self._audio_bytes = 0
        self._others = 0

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, event: ClientEvent) -> None:
        """Number an input and keep it."""
        self._last += 1
        event.seq = self._last
        self._kept.append(event)
        self._count(event, 1)
        while self._audio_bytes > self._max_audio_bytes:
            self._drop_oldest(audio=True)
        while self._others > _MAX_OTHERS:
            self._drop_oldest(audio=False)

    def acknowledge(self, seq: int) -> None:
        """Let go of what the gateway has: everything up to this number."""
        while self._kept and self._kept[0].seq <= seq:
            self._count(self._kept.popleft(), -1)

    def again(self) -> list[ClientEvent]:
        """Return new events with all that is kept, numbered without gaps up to the last number.

        What was dropped from among them leaves none: the gateway lets nothing but the first of them skip forward, and
        what it does not have may have another number.
        """
        again = []
        for seq, kept in enumerate(self._kept, self._last - len(self._kept) + 1):
            event = ClientEvent()
            event.CopyFrom(kept)
            event.seq = seq
            again.append(event)
        self._kept = deque(again)
        return again

    def _drop_oldest(self, *, audio: bool) -> None:
        index = next(index for index, event in enumerate(self._kept) if event.HasField("audio") is audio)
        self._count(self._kept[index], -1)
        del self._kept[index]

    def _count(self, event: ClientEvent, by: int) -> None:
        if event.HasField("audio"):
            self._audio_bytes += by * len(event.audio)
        else:
            self._others += by

"""Asks a model whether a sound is speech, outside the event loop; for all sessions of a process."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from segue.audio.speech import SpeechModel


class Judge:
    """Loads its model when it is first asked. One thread is enough: the model holds Python's lock while it works."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="speech model")
        self._model: SpeechModel | None = None

    def ask(self, audio: bytes, answer: Callable[[float], None]) -> None:
        """Have `answer` called, on the running event loop, with how probable it is that this is speech, from 0 to 1."""
        future = asyncio.get_running_loop().run_in_executor(self._pool, self._judge, audio)
        future.add_done_callback(lambda done: None if done.cancelled() else answer(done.result()))

    def close(self) -> None:
        """Let the thread end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _judge(self, audio: bytes) -> float:
        if self._model is None:
            self._model = SpeechModel()
        return self._model.judge(audio)

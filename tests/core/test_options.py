"""Options."""

from segue.core.options import AudioFormat, Encoding


def test_a_second_of_audio_has_two_bytes_a_sample() -> None:
    assert AudioFormat(Encoding.LINEAR16, 8_000).bytes_per_second == 16_000

"""Echoes: which words of the user are Segue's own."""

from segue.core.echoes import Echoes


def expecting(*texts: str) -> Echoes:
    echoes = Echoes()
    for text in texts:
        echoes.expect(text)
    return echoes


def test_a_text_is_repeated_in_parts_once() -> None:
    echoes = expecting("one  two\nthree")
    assert [echoes.take(words) for words in (" one", "two three ", "one")] == [True, True, False]


def test_parts_of_several_texts_come_in_any_order() -> None:
    echoes = expecting("one two", "three four")
    assert [echoes.take(words) for words in ("three", "one", "four", "two")] == [True] * 4


def test_other_words_are_the_users() -> None:
    echoes = expecting("one two")
    assert not any(echoes.take(words) for words in ("two", "", "five"))


def test_only_the_newest_texts_are_listened_for() -> None:
    echoes = expecting("one", "two", "three", "four", "five")
    assert [echoes.take(words) for words in ("one", "two")] == [False, True]


def test_another_link_repeats_nothing() -> None:
    echoes = expecting("one")
    echoes.clear()
    assert not echoes.take("one")

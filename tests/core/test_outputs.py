"""Outputs: the sums of usage."""

from segue.core.outputs import Usage


def test_usage_adds_up_modality_by_modality() -> None:
    total = Usage(1, 2, 3, 4, {"TEXT": 1, "AUDIO": 2}, None)
    total.add(Usage(10, 20, 30, 40, {"AUDIO": 5, "VIDEO": 7}, {"AUDIO": 9}))
    assert total == Usage(11, 22, 33, 44, {"TEXT": 1, "AUDIO": 7, "VIDEO": 7}, {"AUDIO": 9})


def test_usage_without_modalities_stays_without() -> None:
    total = Usage(1)
    total.add(Usage(2))
    assert total == Usage(3)


def test_adding_changes_nothing_but_the_sum() -> None:
    part = Usage(1, input_by_modality={"AUDIO": 1})
    total = Usage()
    total.add(part)
    total.add(part)
    assert part == Usage(1, input_by_modality={"AUDIO": 1})
    assert total == Usage(2, input_by_modality={"AUDIO": 2})

"""Which credential a link is dialled with."""

from collections import Counter
from dataclasses import dataclass

from segue.backend.breaker import Refusal
from segue.backend.rota import Rota
from segue.core.events import LossCause

FAMILY = "3.8-live"


@dataclass
class Key:
    """A credential; `wrong` tells since it was last tried, `at` from when on that may be over. It is time 0."""

    name: str
    weight: int = 1
    has_room: bool = True
    accepted: bool = True
    wrong: bool = False
    at: float = 0.0

    def trusted(self) -> bool:
        return self.accepted

    def sound(self, family: str) -> bool:
        assert family == FAMILY
        return self.accepted and not self.wrong

    def welcomes(self, family: str) -> bool:
        return self.accepted and self.at <= 0.0

    def welcome_at(self, family: str) -> float:
        return self.at


def chosen(rota: Rota[Key], credential: str = "", *allowed: str, resumes: bool = False, ventures: bool = True) -> str:
    """Return the name of the choice."""
    choice = rota.choose(FAMILY, credential, allowed, resumes=resumes, ventures=ventures)
    assert isinstance(choice, Key), choice
    return choice.name


def refused(rota: Rota[Key], *allowed: str) -> Refusal:
    choice = rota.choose(FAMILY, "", allowed, resumes=False, ventures=True)
    assert isinstance(choice, Refusal)
    return choice


def test_new_sessions_are_spread_by_weight_and_never_in_bursts() -> None:
    rota = Rota([Key("a", 5), Key("b"), Key("c")])
    assert "".join(chosen(rota) for _ in range(14)) == "aabacaa" * 2


def test_who_is_full_or_not_well_gets_none_and_the_others_share_by_weight() -> None:
    a, b, c, d = Key("a", 2), Key("b"), Key("c", has_room=False), Key("d", wrong=True, at=1.0)
    rota = Rota([a, b, c, d])
    assert Counter(chosen(rota) for _ in range(30)) == {"a": 20, "b": 10}
    a.accepted = False
    assert {chosen(rota) for _ in range(10)} == {"b"}
    assert chosen(rota, "", "a", "b") == "b"


def test_only_what_is_allowed_is_chosen() -> None:
    rota = Rota([Key("a"), Key("b"), Key("c")])
    assert {chosen(rota, "", "b", "c") for _ in range(10)} == {"b", "c"}
    # It had another one before its tenant's were changed.
    assert chosen(rota, "a", "b") == "b"
    refusal = refused(rota, "nobody")
    assert refusal.cause is LossCause.CREDENTIALS
    assert "nobody" in refusal.message


def test_a_session_stays_with_its_own() -> None:
    own = Key("a")
    rota = Rota([own, Key("b", 1000)])
    assert chosen(rota, "a", resumes=True) == "a"
    # Though it has its sessions, and no quota for a new one: its handles are good nowhere else.
    own.has_room, own.wrong, own.at = False, True, 60.0
    assert chosen(rota, "a", resumes=True) == chosen(rota, "a", ventures=False) == "a"


def test_a_session_leaves_its_own_when_that_is_refused_and_another_is_well() -> None:
    own, other = Key("a", accepted=False), Key("b")
    rota = Rota([own, other])
    assert rota.choose(FAMILY, "a", (), resumes=True, ventures=False) is None
    assert chosen(rota, "a", ventures=False) == "b"
    other.wrong, other.at = True, 60.0
    assert chosen(rota, "a", resumes=True, ventures=False) == "a"


def test_no_handle_goes_out_with_another_credential_than_its_own() -> None:
    rota = Rota([Key("a"), Key("b")])
    assert rota.choose(FAMILY, "gone", (), resumes=True, ventures=False) is None
    assert rota.choose(FAMILY, "a", ("b",), resumes=True, ventures=False) is None


def test_who_has_something_to_lose_does_not_find_out_whether_a_credential_is_well_again() -> None:
    rota = Rota([Key("a", wrong=True), Key("b")])
    assert {chosen(rota, ventures=False) for _ in range(4)} == {"b"}
    assert {chosen(rota) for _ in range(4)} == {"a", "b"}


def test_where_none_is_well_the_one_that_is_accepted_and_will_be_soonest_is_tried() -> None:
    keys = [Key("a", accepted=False, at=5.0), Key("b", wrong=True, at=60.0), Key("c", wrong=True, at=9.0)]
    assert chosen(Rota(keys)) == "c"
    assert chosen(Rota(keys[:2])) == "b"
    assert chosen(Rota(keys[:1])) == "a"


def test_where_all_have_their_sessions_a_new_one_is_refused() -> None:
    refusal = refused(Rota([Key("a", has_room=False), Key("b", has_room=False)]))
    assert refusal.cause is LossCause.QUOTA
    assert refusal.retry_delay > 0
    assert "max_sessions" in refusal.message


def test_elsewhere_is_what_is_well_has_room_and_is_allowed() -> None:
    other = Key("b")
    rota = Rota([Key("a"), other])
    assert rota.is_well_elsewhere("a", FAMILY, ())
    assert not rota.is_well_elsewhere("a", FAMILY, ("a",))
    other.has_room = False
    assert not rota.is_well_elsewhere("a", FAMILY, ())
    other.has_room, other.wrong = True, True
    assert not rota.is_well_elsewhere("a", FAMILY, ())

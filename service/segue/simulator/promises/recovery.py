"""Words that are answered whatever happens to the links: Recovering."""

from collections.abc import Iterable, Iterator

from segue.simulator.history import History
from segue.simulator.promises.chronicle import REPLAY_SPEED, Chronicle, blocks_of, chronicles
from segue.simulator.promises.passage import is_missed
from segue.simulator.promises.replacement import check_links
from segue.simulator.promises.spoken import NEVER, ModelTurn, Words
from segue.simulator.promises.troubles import CUT_SHORT, DEAF, IGNORED, SOUND, Trouble
from segue.simulator.promises.verdict import Broke, Verdict

# How long an answer may take where nothing goes wrong, from the end of the words or since there is a link, in seconds.
_USUAL = 10.0
# How long it may take to miss one where the model thinks first, and may have said that it works.
_THINKING = 30.0
# So long somebody who is not in a hurry waits (world.client): what may come later cannot be found missing.
_PATIENCE = 45.0
# A link is found wedged so long at most after what shows it.
_LINGERS = 13.0
# A link is mostly replaced in less than this.
_SHORT_OUTAGE = 2.0
# What waited for a link is given to it so many times faster than it was said.
_CATCHES_UP = 3.0
# The client gets the first of an answer so long after it is counted as given: what begins meanwhile is no second one.
_UNDER_WAY = 0.2
# What the service says sooner than this after a text was written does not answer that.
_SOONEST = 0.25
# An interruption by a sound without words is known to be none within this time.
_NO_WORDS = 4.0


def recovering(history: History) -> Verdict:
    """A lost link is replaced within its bound, and the user's words are answered once, or the session closes.

    Its cases are the user's words; those are judged that could have been found to be without an answer.
    """
    lacking = "no link was lost or wedged"
    judged = cases = 0
    for chronicle in chronicles(history):
        if chronicle.acted("link_lost", "wedged"):
            lacking = ""
        check_links(chronicle)
        _check_alarms(chronicle)
        for words in chronicle.words:
            cases += 1
            judged += _check_answered(chronicle, words)
            _check_answered_once(chronicle, words)
    return Verdict("Recovering", lacking, judged, cases)


def _check_alarms(chronicle: Chronicle) -> None:
    """Check that a link that answers is not taken for wedged."""
    for wedged in chronicle.acted("wedged"):
        at = wedged.at
        links = [link for link, (since, until) in chronicle.up.items() if since <= at <= until]
        if not any(_may_be_silent(chronicle, link, at) for link in links):
            how = f"session {chronicle.name} took a healthy link for wedged at {at:.3f} s ({wedged.fields['sign']})"
            raise Broke("Recovering", how)


def _may_be_silent(chronicle: Chronicle, link: object, at: float) -> bool:
    """Return whether this link had a reason to say nothing, or what can be taken for nothing."""
    since = at - (_THINKING if chronicle.thinks else _LINGERS)
    for trouble in chronicle.delays:
        if trouble.link == link and trouble.at <= at and since <= _lasts_until(chronicle, trouble):
            return True
    turns = [turn for turn in chronicle.turns if turn.link == link and turn.begun_at <= at]
    if any(since <= turn.begun_at and not turn.answers for turn in turns):
        return True
    # Where nobody may interrupt the model, that waits for the end of what cannot be heard, and of its calls.
    if chronicle.protected and turns and not turns[-1].answers:
        return True
    # What is heard while a link is missing is given to the next one.
    up_since = chronicle.up[link][0]
    outages = [begun_at for begun_at, ended_at in chronicle.outages if ended_at == up_since]
    missing_since = min([up_since - _SHORT_OUTAGE, *outages])
    heard = [sound.at for sound in chronicle.sounds if sound.at >= missing_since]
    given = [max(sound_at, up_since + (sound_at - missing_since) / _CATCHES_UP) for sound_at in heard]
    return any(since <= given_at < at for given_at in given)


def _lasts_until(chronicle: Chronicle, trouble: Trouble) -> float:
    """Return when trouble is over at the latest, as far as it matters to who waits for an answer."""
    until = trouble.at + trouble.delay.lasts
    if trouble.what == CUT_SHORT:
        # The model says the rest to nobody, and answers nothing else before that is over, or interrupted.
        on_link = [turn for turn in chronicle.turns if turn.link == trouble.link]
        left = [turn.seconds for turn in on_link if turn.begun_at <= trouble.at]
        later = [turn.begun_at for turn in on_link if turn.begun_at > trouble.at]
        return max(until, min([trouble.at + sum(left[-1:]), *later]))
    if trouble.what != DEAF:
        return until
    # Whoever speaks then is not listened to, and knows it when no answer comes, after what the model says meanwhile.
    until = max([until, *(words.at for words in chronicle.words if words.at - words.seconds <= until)])
    said = [turn for turn in chronicle.turns if turn.link == trouble.link and turn.begun_at <= until]
    return max([until, *(turn.over_at for turn in said if turn.over_at < NEVER)])


def _check_answered(chronicle: Chronicle, words: Words) -> bool:
    """Check that words got an answer in time. Returns whether they could have been found to be without one."""
    answers = list(chronicle.answers(words))
    reached_at = min((chronicle.reached_at(turn) for turn in answers), default=NEVER)
    over_at = min(chronicle.rests_at(words), chronicle.over_at)
    due_at = _due_at(chronicle, words, min(reached_at, over_at))
    if reached_at <= min(due_at, over_at):
        return due_at <= words.at + _PATIENCE
    if over_at <= due_at or any(_excuses(chronicle, words, answers, due_at)):
        return False
    raise Broke("Recovering", f"session {chronicle.name} got no answer to {_named(words)} until {due_at:.3f} s")


def _due_at(chronicle: Chronicle, words: Words, until: float) -> float:
    """Return when an answer to words was due, as far as could be told until then."""
    due_at = words.at + _USUAL + words.seconds + words.waits
    moved = True
    # What comes when an answer is overdue delays it no more.
    while moved:
        later = max(_delayed(chronicle, words, min(due_at, until)), default=due_at)
        moved, due_at = later > due_at, max(later, due_at)
    return due_at


def _delayed(chronicle: Chronicle, words: Words, until: float) -> Iterator[float]:
    """Yield when an answer was due because of each thing that happened until then."""
    usual = _USUAL + words.seconds
    for begun_at, ended_at in chronicle.outages:
        # The time without a link has bounds of its own.
        if begun_at <= until and words.at < ended_at:
            yield ended_at + usual
    # So has the time without a client.
    for begun_at, ended_at in chronicle.absences:
        if begun_at <= until and words.at - words.seconds <= ended_at:
            yield ended_at + (ended_at - begun_at) / REPLAY_SPEED + usual
    delays = [(_began_to_matter_at(chronicle, trouble, words), trouble.delay) for trouble in chronicle.delays]
    delays += [(sound.at, SOUND) for sound in chronicle.sounds if words.at <= sound.at]
    for at, delay in delays:
        if at <= until:
            thinking = _THINKING if delay.silent and chronicle.thinks else 0.0
            yield max(words.at, at) + delay.seconds + thinking + usual
    # What must not interrupt the model waits until it may.
    for begun_at, ended_at in chronicle.protected:
        if begun_at <= words.at and words.at - words.seconds < ended_at and begun_at <= until:
            yield ended_at + usual
    # What was begun before that ended is answered with it.
    for begun_at, ended_at in chronicle.uninterruptible:
        for later in chronicle.words if begun_at <= words.at <= ended_at else ():
            if words.at < later.at and later.at - later.seconds <= ended_at and later.at <= until:
                yield later.at + _USUAL + later.seconds
    # What the model says of something else first is waited for, and heard at the pace of the client's stream.
    answers = list(chronicle.answers(words))
    for turn in chronicle.turns:
        if turn.begun_at >= until or turn in answers:
            continue
        if words.at < turn.ended_at < NEVER:
            yield min(max(turn.ended_at, chronicle.heard_until(turn)), until) + _USUAL
        # So is what still plays where the words do not cut it.
        elif words.demanded and words.at < chronicle.heard_until(turn):
            yield min(chronicle.heard_until(turn), until) + _USUAL
    for since, last_at in _inaudible(chronicle) if words.demanded else ():
        if since <= words.at < last_at:
            yield min(last_at, until) + _USUAL


def _inaudible(chronicle: Chronicle) -> Iterable[tuple[float, float]]:
    """Return from when to when the client got each turn of which nothing can be heard, nor told whose it is."""
    spans: dict[object, tuple[float, float]] = {}
    for audio in chronicle.got("audio"):
        if not blocks_of(audio):
            since, _ = spans.get(audio.fields["turn"], (audio.at, audio.at))
            spans[audio.fields["turn"]] = since, audio.at
    return spans.values()


def _began_to_matter_at(chronicle: Chronicle, trouble: Trouble, words: Words) -> float:
    """Return since when trouble may delay the answer to some words; infinity where it came and went before them.

    It matters only where its link is up, and to words that begin before it is over.
    """
    up_since, gone_at = chronicle.up.get(trouble.link, (NEVER, NEVER))
    at = max(trouble.at, up_since)
    over_at = min(at + trouble.delay.lasts, gone_at)
    return at if words.at - words.seconds <= over_at and at <= gone_at else NEVER


def _excuses(chronicle: Chronicle, words: Words, answers: list[ModelTurn], due_at: float) -> Iterator[bool]:
    """Yield for each reason to leave words without an answer whether it is given."""
    # The model had nothing to say, or what it said could not be heard.
    yield any(not turn.answers for turn in answers)
    # Nobody was there to hear it.
    yield any(is_missed(chronicle, turn) for turn in answers)
    # Whether the one answer that an activity gets is to all of it, nobody but the model knows.
    for turn in _answers_beside(chronicle, words):
        yield chronicle.reached_at(turn) <= due_at
    # Nor whether an answer is to a text as well that came before its first word, and did not interrupt it.
    for turn in chronicle.turns if words.text else ():
        on_link = [trouble.at for trouble in chronicle.delays if (trouble.link, trouble.what) == (turn.link, IGNORED)]
        came = any(max(words.at, turn.begun_at) <= at <= turn.said_at for at in on_link)
        yield came and words.at + _SOONEST <= turn.said_at and chronicle.reached_at(turn) <= due_at
    # A turn without a word may be taken for the answer to whatever was said last.
    yield any(turn.over_at <= due_at for turn in chronicle.passing_over(words))
    yield _was_left_or_gone_on_with(chronicle, answers, due_at)
    # So may be the answer to older words, where the service has both in its queue and the link ends before the second.
    for turn in chronicle.turns:
        gone_at = chronicle.up.get(turn.link, (0.0, 0.0))[1]
        before = words.at - _UNDER_WAY < turn.begun_at and turn not in answers
        yield before and chronicle.reached_at(turn) < gone_at <= due_at
    # So may be what comes late of a turn that was cut.
    for turn in chronicle.turns:
        late = turn.interrupted and _comes_late(chronicle, turn) > words.at
        yield late and chronicle.up.get(turn.link, (0.0, 0.0))[1] <= due_at
    # So may be the answer to a sound that the service took for words.
    for turn in chronicle.turns if any(words.at <= sound.at <= due_at for sound in chronicle.sounds) else ():
        yield turn.begun_at > words.at and not (turn.stamps or turn.text) and chronicle.reached_at(turn) <= due_at


def _answers_beside(chronicle: Chronicle, words: Words) -> Iterator[ModelTurn]:
    """Yield the turns that answer what a text was written beside, where the model took no notice of the text."""
    ignored = [trouble for trouble in chronicle.delays if trouble.what == IGNORED]
    together = [other for other in chronicle.words if words.beside and other.at == words.at]
    for said in together:
        for turn in chronicle.answers(said) if not said.text else ():
            times = [trouble.at for trouble in ignored if trouble.link == turn.link]
            meanwhile = [at for at in times if said.at - said.seconds <= at <= turn.begun_at]
            if sum(other.text not in turn.text for other in together) <= len(meanwhile):
                yield turn


def _comes_late(chronicle: Chronicle, turn: ModelTurn) -> float:
    """Return when the client got the last of a turn of which some was held back; -1 where none was."""
    connection = f"{chronicle.name}/{turn.link}"
    struck = [record for record in chronicle.service if record.kind == "fault_struck" and record.session == connection]
    if not any(record.fields["fault"] == "late_chunks" for record in struck):
        return -1.0
    return max((chronicle.got_at[block] for block in turn.spoken if block in chronicle.got_at), default=-1.0)


def _was_left_or_gone_on_with(chronicle: Chronicle, answers: list[ModelTurn], due_at: float) -> bool:
    """Return whether an answer was cut for nothing, and after that left as it was, or gone on with in another turn.

    Which of them is the gateway's policy.
    """
    cut = [turn for turn in answers if turn.interrupted]
    for seen in chronicle.acted("false_interruption_seen"):
        # The service may be slow to say that a sound interrupted it.
        sounds = [sound.at for sound in chronicle.sounds if sound.at <= seen.at <= sound.at + _NO_WORDS]
        over = [turn for turn in cut if turn.over_at <= seen.at or any(turn.begun_at <= at for at in sounds)]
        if seen.at > due_at or not any(turn.begun_at <= seen.at for turn in over):
            continue
        if not seen.fields["continued"]:
            return True
        # The next thing that the model is asked is that.
        later = [turn for turn in chronicle.turns if turn.goes_on and turn.begun_at >= seen.at][:1]
        if any(chronicle.reached_at(turn) <= due_at for turn in later):
            return True
    return False


def _check_answered_once(chronicle: Chronicle, words: Words) -> None:
    reached_at = NEVER
    for turn in sorted(chronicle.answers(words), key=lambda turn: turn.begun_at):
        if turn.goes_on or turn.blurred:
            continue
        if turn.begun_at > reached_at + _UNDER_WAY and chronicle.reached_at(turn) < NEVER:
            again = f"again by turn {turn.number} of link {turn.link}, begun at {turn.begun_at:.3f} s"
            raise Broke("Recovering", f"session {chronicle.name} had {_named(words)} answered {again}")
        reached_at = min(reached_at, chronicle.reached_at(turn))


def _named(words: Words) -> str:
    what = f"stamps {words.first}-{words.last}" if words.last >= 0 else f'"{words.text}"'
    return f"its words that ended at {words.at:.3f} s ({what})"

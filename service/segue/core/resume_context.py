"""What an interrupted model is told: which of its words were heard, which were not, and how to go on."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import Formatter

from segue.core.options import ResumeContext, ResumePolicy
from segue.core.recall import Exchange, quoted, told

# Of what was heard the end is told, of what was not heard the beginning, and of the sentence that was cut both sides of
# the cut; at most so many characters each. The model made the words itself and can go on.
_MOST = 800
_MOST_OF_A_SENTENCE = 400
# A sentence ends with its mark, whatever closes behind it, and a space; CJK marks need no space.
_SENTENCE_END = re.compile(r"[.!?…؟۔।]+[\"'”’)\]]*\s+|[。！？]+[」』”’）]*\s*")  # noqa: RUF001
# A point after one of these, or after a single letter but I, ends no sentence.
_ABBREVIATION = re.compile(
    r"\b(?:mr|mrs|ms|dr|prof|st|jr|sra?|mme|mlle|nr|vs|etc|approx|ca|bzw|e\.g|i\.e|[a-hj-z])\.\s+$",
    re.IGNORECASE,
)

BUILT_IN = """\
You were interrupted: the user did not hear all of your last answer.
{history}
The user heard: {heard}
The sentence that was cut: {sentence}
The user did not hear: {unheard}
The user's words when interrupting: {said}
If the user asks for something else, answer that first and then offer to go on. If the user only acknowledges or asks \
you to go on, go on from the beginning of the sentence that was cut, or where none was, with what was not heard. If it \
is about what you said, answer briefly and go on. Repeat nothing else that was heard, and never mention this note."""

PLACEHOLDERS = ("history", "heard", "sentence", "unheard", "said")


@dataclass(frozen=True, slots=True)
class Interruption:
    """A turn that was cut: what of it was heard, and what was made beyond that."""

    turn: int
    heard: str
    unheard: str


def fault_of_template(template: str) -> str | None:
    """Return why this cannot be a template, and what to do; None when it can."""
    known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    try:
        fields = [(name, spec, conversion) for _, name, spec, conversion in Formatter().parse(template)]
    except ValueError as error:
        return f"{error}: write a brace that is no placeholder twice; the placeholders are {known}"
    used = set()
    for name, spec, conversion in fields:
        if name is None:
            continue
        if name not in PLACEHOLDERS:
            return f"the placeholder {{{name}}} is not known: the placeholders are {known}"
        if spec or conversion:
            return f"the placeholder {{{name}}} has a format: write it bare"
        # So that a note is no longer than its template and what a note may hold.
        if name in used:
            return f"the placeholder {{{name}}} stands there twice: write it once"
        used.add(name)
    return None


def cut_sentence(heard: str, unheard: str) -> str:
    """Return the sentence that an interruption cut, from its beginning to its end; empty when it fell between two."""
    before, after = _tail(heard, _MOST_OF_A_SENTENCE), _head(unheard, _MOST_OF_A_SENTENCE)
    words = before + after
    ends = [match.end() for match in _SENTENCE_END.finditer(words) if _ends_sentence(words, match)]
    begins_at = max((end for end in ends if not words[len(before) : end].strip()), default=0)
    if not words[begins_at : len(before)].strip():
        return ""
    ends_at = next((end for end in ends if end > begins_at), len(words))
    return words[begins_at:ends_at].strip()


def note_of(context: ResumeContext, cut: Interruption, exchanges: Sequence[Exchange], said: str) -> str:
    """Return the note on an interruption, with at most the policy's number of exchanges before it.

    Whoever said something is quoted: in a note from the system the user's words are data.
    """
    assert context.policy in (ResumePolicy.BUILT_IN, ResumePolicy.TEMPLATE)
    before = [exchange for exchange in exchanges if exchange.turn < cut.turn]
    history = told(before[-context.history_turns :] if context.history_turns else ())
    parts = {
        "history": history,
        "heard": quoted(_tail(cut.heard, _MOST)),
        "sentence": quoted(cut_sentence(cut.heard, cut.unheard)),
        "unheard": quoted(_head(cut.unheard, _MOST)),
        "said": quoted(said),
    }
    if context.policy is ResumePolicy.TEMPLATE:
        return context.template.format_map(parts)
    # A line of which nothing is known is left out.
    lines = [line.format_map(parts) for line in BUILT_IN.splitlines() if not _empty(line, parts)]
    return "\n".join(lines)


def _empty(line: str, parts: dict[str, str]) -> bool:
    return any(f"{{{name}}}" in line and text in ("", '""') for name, text in parts.items())


def _ends_sentence(words: str, mark: re.Match[str]) -> bool:
    """Return whether a mark ends a sentence: no small letter follows it, and no abbreviation stands before it."""
    return not words[mark.end() : mark.end() + 1].islower() and not _ABBREVIATION.search(
        words, max(0, mark.start() - 8), mark.end()
    )


def _head(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[:most].rsplit(' ', 1)[0]} …"


def _tail(words: str, most: int) -> str:
    return words if len(words) <= most else f"… {words[-most:].split(' ', 1)[-1]}"

"""`segue talk`: a conversation from the terminal, on top of the client library that everybody else uses."""

from segue.talk.command import TalkResult, talk
from segue.talk.errors import TalkError

__all__ = ["TalkError", "TalkResult", "talk"]

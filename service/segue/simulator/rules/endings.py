"""Closes that end a connection because of its age, its session or its context, and not for one wrong message."""

from segue.simulator.rules.rulebook import Violation

_INTERNAL_ERROR = "Internal error encountered."

# The connection cap of 2.5 and of 3.8 (sokuji issue 179, adk-python issue 4140, discuss.ai.google.dev 186392).
DEADLINE_EXPIRED = Violation("deadline_expired", 1011, "Deadline expired before operation could complete.")
# A connection without audio (one public report of about three minutes, which quotes no text of its own).
IDLE = Violation("idle", 1008, "The operation was aborted.")
# LiveKit takes the text for the end of a session whose context is full.
CONTEXT_EXHAUSTED = Violation("context_exhausted", 1007, "Request contains an invalid argument.")
# A handle that was used before, where that is not allowed; one of two texts reported for handles that are no good.
HANDLE_INVALID = Violation("handle_invalid", 1007, "Invalid session handle")
# A resumption while the session is open elsewhere (sip-to-ai issue 14, which names the code only).
SESSION_STILL_OPEN = Violation("session_still_open", 1011, _INTERNAL_ERROR)
# A handle of another model: told only after `setupComplete` (public notes of one project).
MODEL_CHANGED = Violation("model_changed", 1011, _INTERNAL_ERROR)
# Audio while 2.5 waits for the response to a call (js-genai issue 1236, livekit/agents issue 4545).
AUDIO_DURING_CALL = Violation("audio_during_call", 1008, "Operation is not implemented, or supported, or enabled.")

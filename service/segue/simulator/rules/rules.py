"""The rules that the Live API closes a connection at: a table of each with its close code, reason and source.

Codes and reasons are those of the real service, measured 2026-09-10 or quoted in public issue reports; where nobody
quoted any, the source says so. A reason longer than a close frame holds is cut there, as the service cuts it.
"""

from segue.simulator.rules.rulebook import Rule, Severity
from segue.simulator.rules.rulebook import Violation as Violation

# These rules, by their names; `rule_table.TABLE` has all.
CLOSING: dict[str, Rule] = {}


def _closes(name: str, code: int, reason: str, catches: str, source: str) -> Rule:
    CLOSING[name] = Rule(name, code, reason, Severity.CLOSES, catches, f"Live API notes {source}")
    return CLOSING[name]


_INVALID_ARGUMENT = "Request contains an invalid argument."
_UNREGISTERED = (
    "Method doesn't allow unregistered callers (callers without established identity). "
    "Please use API Key or other form of API consumer identity to call this API."
)
_EXPECTED_OAUTH = (
    "Expected OAuth 2 access token, login cookie or other valid authentication credential. "
    "See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
_UNAUTHENTICATED = f"Request had invalid authentication credentials. {_EXPECTED_OAUTH}"
_MEASURED = "measured 2026-09-10"

# Credentials.
API_KEY_INVALID = _closes(
    "api_key_invalid",
    1007,
    "API key not valid. Please pass a valid API key.",
    "an API key that does not exist",
    f"§8.1: {_MEASURED}",
).broken()
API_KEY_MISSING = _closes(
    "api_key_missing", 1008, _UNREGISTERED, "neither a key nor a token", f"§8.1: {_MEASURED}"
).broken()
BEARER_MISSING = _closes(
    "bearer_missing",
    1008,
    f"Request is missing required authentication credential. {_EXPECTED_OAUTH}",
    "Vertex without `Authorization: Bearer` and without a key",
    "§1.1: the text is that of Google's HTTP APIs (status 401), the code not measured",
).broken()
BEARER_INVALID = _closes(
    "bearer_invalid",
    1008,
    _UNAUTHENTICATED,
    "an OAuth token that is not good",
    "§1.1: the text is that of Google's HTTP APIs (status 401), the code not measured",
).broken()
TOKEN_METHOD = _closes(
    "token_method",
    1008,
    _UNREGISTERED,
    "an ephemeral token with BidiGenerateContent instead of BidiGenerateContentConstrained",
    "§1.1: google-gemini/cookbook#821",
).broken()
TOKEN_VERSION = _closes(
    "token_version",
    1008,
    _UNREGISTERED,
    "an ephemeral token on another version than v1alpha, where the switch token_needs_v1alpha is set",
    "§1.1: google-genai's warning (tokens.py); text and code not measured",
).broken()
TOKEN_EXPIRED = _closes(
    "token_expired",
    1008,
    _UNAUTHENTICATED,
    "an ephemeral token after its expireTime, or for a new session after its newSessionExpireTime",
    "§1.1: ai.google.dev, ephemeral tokens; text and code not measured",
).broken()
TOKEN_USED_UP = _closes(
    "token_used_up",
    1008,
    _UNAUTHENTICATED,
    "an ephemeral token for more new sessions than its uses",
    "§1.1: ai.google.dev, ephemeral tokens; text and code not measured",
).broken()

# The form of messages.
NOT_JSON = _closes(
    "not_json",
    1007,
    "Invalid JSON payload received. Unexpected token.",
    "a frame that is no JSON",
    "§8.1: the text is that of Google's HTTP APIs",
).broken()
EMPTY_MESSAGE = _closes(
    "empty_message", 1007, _INVALID_ARGUMENT, "a message with nothing in it", "§3: a oneof; reaction not measured"
).broken()
_FIELD_UNKNOWN = _closes(
    "field_unknown",
    1007,
    'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.',
    "a field that the service does not know, or not on this flavour or version",
    f"§2.3: {_MEASURED}; java-genai#382, cookbook#775",
)
_FIELD_NOT_REPEATED = _closes(
    "field_not_repeated",
    1007,
    'Invalid JSON payload received. Unknown name "{name}"{place}: Proto field is not repeating, cannot start list.',
    "a list where one value belongs",
    "§11: the text is that of generateContent (zed#44875)",
)
_VALUE_INVALID = _closes(
    "value_invalid",
    1007,
    "Invalid value at '{path}' ({type_name}), {value:.60}",
    "a value of another type than its field's, also an unknown enum value",
    "§11: the text is that of generateContent (AiNiee#746, chatwise-releases#536)",
)
_SECOND_ARM = _closes(
    "second_arm",
    1007,
    "Invalid value (oneof), oneof field 'message_type' is already set. Cannot set '{name}'",
    "more than one kind of message in one",
    "§3: generative_service.proto; the text is that of Google's HTTP APIs",
)
SETUP_NOT_FIRST = _closes(
    "setup_not_first", 1007, _INVALID_ARGUMENT, "anything before the setup", "§8.1: public issue reports"
).broken()
SETUP_TWICE = _closes(
    "setup_twice", 1007, _INVALID_ARGUMENT, "a second setup", "§8.1: bad session state, public issue reports"
).broken()

# The setup.
_MODEL_UNKNOWN = _closes(
    "model_unknown",
    1008,
    "{model} is not found for API version {version}, or is not supported for bidiGenerateContent. "
    "Call ModelService.ListModels to see the list of available models and their supported methods.",
    "a model that the Developer API does not have, or that is no Live model",
    f"§8.1: {_MEASURED}; livekit/agents#4414",
)
_PUBLISHER_MODEL_UNKNOWN = _closes(
    "publisher_model_unknown",
    1008,
    "Publisher Model `{model}` was not found or your project does not have access to it. Please ensure you are using a "
    "valid model version. For more information, see: "
    "https://cloud.google.com/vertex-ai/generative-ai/docs/learn/model-versions",
    "a model that Vertex does not have, or not in this location",
    "§7, §8.1: adk-python#3314, google-genai's tests (live_api/conftest.py)",
)
MODEL_PATH = _closes(
    "model_path",
    1007,
    "Invalid resource field value in the request.",
    "a model that is not named models/{m} (Developer API) or [projects/{p}/locations/{l}/]publishers/google/models/{m}",
    "§1.1: mastra#10257",
).broken()
_MODALITY_UNSUPPORTED = _closes(
    "modality_unsupported",
    1007,
    "The requested combination of response modalities ({names}) is not supported by the model",
    "a modality that the model does not answer in, or several at once",
    "§2.1: google-genai's tests (live_api)",
)
VOICE_WITHOUT_AUDIO = _closes(
    "voice_without_audio",
    1007,
    "Cannot extract voices from a non-audio request.",
    "TEXT together with a voice, on a model that only speaks",
    "§2.1: sokuji#93",
).broken()
_LANGUAGE_UNSUPPORTED = _closes(
    "language_unsupported",
    1007,
    "Unsupported language code '{code}'",
    "a languageCode for a model that chooses its language itself",
    "§2.1, §8.1: public notes on 2.5 native audio",
)
THINKING_LEVEL_MISSING = _closes(
    "thinking_level_missing",
    1007,
    "Thinking level must be specified",
    "3.8 extended thinking without a thinkingLevel",
    "§7: hermes-agent#114116",
).broken()
THINKING_LEVEL_UNSUPPORTED = _closes(
    "thinking_level_unsupported",
    1007,
    "Thinking level is not supported for this model.",
    "a thinkingLevel for a model that does not think",
    "§7: hermes-agent#114116",
).broken()
_THINKING_LEVEL_REFUSED = _closes(
    "thinking_level_refused",
    1007,
    "Thinking level {level} is not supported for this model. Please retry with other thinking level.",
    "a thinkingLevel that the model does not have, as MINIMAL on 3.8 extended thinking",
    "§7: the text is that of generateContent (chatwise-releases#1206)",
)
_THINKING_UNSUPPORTED = _closes(
    "thinking_unsupported",
    1007,
    "Thinking is not enabled for {model}",
    "a thinkingConfig without a level for a model that does not think",
    "§7: the text is that of generateContent (lobehub#7985)",
)
BLOCKING_UNSUPPORTED = _closes(
    "blocking_unsupported",
    1007,
    _INVALID_ARGUMENT,
    "a BLOCKING function on 3.8 extended thinking",
    "§6, §7: ai.google.dev, gemini-3.8-live-extended-thinking; text not measured",
).broken()
PROACTIVE_UNSUPPORTED = _closes(
    "proactive_unsupported",
    1007,
    _INVALID_ARGUMENT,
    "proactive audio on 2.0 and 3.1, or switched off on 3.8, where it is always on",
    "§7: ai.google.dev, gemini-3.8-live; text not measured",
).broken()
AFFECTIVE_UNSUPPORTED = _closes(
    "affective_unsupported",
    1007,
    _INVALID_ARGUMENT,
    "enableAffectiveDialog, also false, on a model without it",
    "§7: js-genai#1953, python-genai#865",
).broken()
_FUNCTION_TWICE = _closes(
    "function_twice",
    1007,
    "Duplicate function declaration found: {name}",
    "two functions of one name",
    "§2.1: the text is that of generateContent; not measured",
)
RESUMPTION_EMPTY = _closes(
    "resumption_empty",
    1008,
    "BidiGenerateContent session not found",
    "sessionResumption without a handle, where the switch empty_resumption_refused is set",
    "§5.2: livekit/agents#7254; text not quoted there",
).broken()

# Input.
ROLE_UNSUPPORTED = _closes(
    "role_unsupported",
    1007,
    _INVALID_ARGUMENT,
    "client content of another role than user or model, on Vertex also system",
    "§3, §7: live-api-web-console#94; docs.cloud.google.com",
).broken()
BARE_TURN_COMPLETE = _closes(
    "bare_turn_complete",
    1007,
    _INVALID_ARGUMENT,
    "turnComplete with no content that waits for an answer",
    "§6.3: pipecat#4403",
).broken()
CONTENT_IN_SESSION = _closes(
    "content_in_session",
    1007,
    _INVALID_ARGUMENT,
    "clientContent on 3.1 after the model's first turn, unless the switch content_after_model_turn is set",
    "§6: livekit/agents#5251",
).broken()
HISTORY_REFUSED = _closes(
    "history_refused",
    1007,
    _INVALID_ARGUMENT,
    "initial history in clientContent on 3.1, where the switch initial_history_refused is set",
    "§5.4: two public projects",
).broken()
MEDIA_CHUNKS_DEPRECATED = _closes(
    "media_chunks_deprecated",
    1007,
    "realtime_input.media_chunks is deprecated. Use audio, video, or text instead.",
    "mediaChunks to a 3.x model",
    "§3: sokuji#150, Google_GenerativeAI#108, mastra#18287",
).broken()
EXPLICIT_ACTIVITY = _closes(
    "explicit_activity",
    1007,
    "Explicit activity control is not supported when automatic activity detection is enabled.",
    "activityStart or activityEnd while activities are detected",
    "§6, §8.1: many public issue reports",
).broken()
EARLY_AUDIO = _closes(
    "early_audio",
    1007,
    _INVALID_ARGUMENT,
    "audio before the first signalled activity, where the switch early_audio_closes is set",
    "§6: BasedHardware/omi#7611; text not quoted there",
).broken()
TEXT_ACTIVITY = _closes(
    "text_activity",
    1007,
    "Precondition check failed.",
    "a signalled activity with text and no speech, on models that take clientContent, with text_activity_closes",
    "§6.2: python-genai#1720; text not quoted there",
).broken()
EMPTY_ACTIVITY = _closes(
    "empty_activity", 1007, "Precondition check failed.", "an activity with nothing in it", f"§6, §8.1: {_MEASURED}"
).broken()

# Sessions.
HANDLE_UNKNOWN = _closes(
    "handle_unknown",
    1008,
    "BidiGenerateContent session not found",
    "a resumption handle that was never given out, or expired",
    "§5.3, §8.1: public issue reports",
).broken()
GO_AWAY_IGNORED = _closes(
    "go_away_ignored",
    1008,
    "Connection aborted because the client failed to close the connection after receiving a GoAway signal once the "
    "session duration limit was reached.",
    "a connection kept open after goAway",
    f"§5.1, §8.1: {_MEASURED}",
).broken()


def model_unknown(model: str, version: str) -> Violation:
    """The model does not exist, or is no Live model. `model` is as the client wrote it."""
    if "publishers/" in model:
        return _PUBLISHER_MODEL_UNKNOWN.broken(model=model)
    return _MODEL_UNKNOWN.broken(model=model, version=version)


def modality_unsupported(modalities: tuple[str, ...]) -> Violation:
    """The model does not answer in this modality, or not in several at once."""
    return _MODALITY_UNSUPPORTED.broken(names=", ".join(modalities))


def language_unsupported(code: str) -> Violation:
    """The model chooses its language itself."""
    return _LANGUAGE_UNSUPPORTED.broken(code=code)


def field_unknown(name: str, path: str) -> Violation:
    """A message has a field that the service does not know. `path` is in snake case, empty at the top."""
    return _FIELD_UNKNOWN.broken(name=name, place=_place(path))


def field_not_repeated(name: str, path: str) -> Violation:
    """A field that holds one value has a list."""
    return _FIELD_NOT_REPEATED.broken(name=name, place=_place(path))


def _place(path: str) -> str:
    return f" at '{path}'" if path else ""


def value_invalid(path: str, type_name: str, value: object) -> Violation:
    """A field holds a value of another type than its own."""
    return _VALUE_INVALID.broken(path=path, type_name=type_name, value=str(value))


def second_arm(name: str) -> Violation:
    """A client message holds more than one kind of message."""
    return _SECOND_ARM.broken(name=name)


def thinking_level_refused(level: str) -> Violation:
    """The model thinks, but not on this level."""
    return _THINKING_LEVEL_REFUSED.broken(level=level)


def thinking_unsupported(model: str) -> Violation:
    """The model does not think. `model` is as the client wrote it."""
    return _THINKING_UNSUPPORTED.broken(model=model)


def function_twice(name: str) -> Violation:
    """Two functions have one name."""
    return _FUNCTION_TWICE.broken(name=name)

"""The rules at which the Live API says nothing, which leaves the client to wonder: what strict mode adds.

Strict mode closes at these, too, with code 1008 and a reason of its own that begins with "strict: " and says what to
do. The audio goes on being ignored, the scheduling without effect and so on, where it is off.
"""

from segue.simulator.rules.rulebook import Rule, Severity

# These rules, by their names; `rule_table.TABLE` has all.
SILENT: dict[str, Rule] = {}


def _silent(name: str, advice: str, catches: str, source: str) -> Rule:
    SILENT[name] = Rule(name, 1008, f"strict: {advice}", Severity.SILENT, catches, f"Live API notes {source}")
    return SILENT[name]


AUDIO_FORMAT = _silent(
    "audio_format",
    "audio of type '{mime_type:.30}' is ignored: send audio/pcm;rate=16000, 16-bit",
    "audio that is no PCM, has no type or no sensible rate",
    "§4.2, §9: docs (input is raw 16-bit PCM)",
)
AUDIO_ODD = _silent(
    "audio_odd",
    "half a sample: PCM is 16-bit, send an even number of bytes",
    "PCM of an odd number of bytes",
    "§4.2: docs (input is raw 16-bit PCM)",
)
AUDIO_RATE = _silent(
    "audio_rate",
    "audio of {sounds} Hz is declared as {declared} Hz: its stamps are not 20 ms apart",
    "stamped audio at another rate than its type declares",
    "§3: google-genai (`audio/pcm;rate=16000`); reaction not measured",
)
VIDEO_FORMAT = _silent(
    "video_format",
    "video of type '{mime_type:.30}' is ignored: send JPEG or PNG frames, image/jpeg",
    "video that is no image",
    "§3: google-genai (t_image_blob)",
)
AUDIO_OUTSIDE_ACTIVITY = _silent(
    "audio_outside_activity",
    "audio outside an activity is ignored: send activityStart first",
    "audio while no signalled activity is open",
    "§6.4: measured 2026-09-10",
)
NESTED_ACTIVITY = _silent(
    "nested_activity",
    "activityStart inside an activity is ignored: send activityEnd first",
    "activityStart twice",
    "§6: measured 2026-09-10",
)
ACTIVITY_NOT_OPEN = _silent(
    "activity_not_open",
    "activityEnd without an activity is ignored: send activityStart first",
    "activityEnd without activityStart",
    "§6.4: reaction not measured",
)
ACTIVITY_TOO_SOON = _silent(
    "activity_too_soon",
    "activityStart may be lost within 0.5 s of activityEnd: wait for ACTIVITY_END",
    "activityStart less than 500 ms after activityEnd",
    "§6.4: measured 2026-09-10",
)
STREAM_END_SIGNALLED = _silent(
    "stream_end_signalled",
    "audioStreamEnd is ignored where activities are signalled: send activityEnd",
    "audioStreamEnd with automatic detection off",
    "§6: public notes (voice-lab)",
)
SECOND_MEDIA_CHUNK = _silent(
    "second_media_chunk",
    "all mediaChunks but the first are ignored: send one audio or video a message",
    "several mediaChunks in a message",
    "§3: generative_service.proto",
)
EMPTY_INPUT = _silent(
    "empty_input",
    "realtimeInput with nothing in it is ignored: leave it out",
    "realtimeInput without a field, with an empty text or with empty media",
    "§3: google-genai sends it; reaction not measured",
)
TEXT_UNSUPPORTED = _silent(
    "text_unsupported",
    "realtimeInput.text is not supported by this model: send clientContent",
    "realtime text to gemini-live-2.5-flash-native-audio",
    "§7: docs.cloud.google.com, native audio",
)
SEED_ENDS_WITH_MODEL = _silent(
    "seed_ends_with_model",
    "history that ends with the model goes unheard on 2.5: end it with a user turn",
    "history for 2.5 whose last turn is the model's",
    "§5.4: pipecat#4355",
)
SCHEDULING_UNSUPPORTED = _silent(
    "scheduling_unsupported",
    "scheduling has no effect here: the model or the function is not NON_BLOCKING",
    "scheduling on a model without it, or in the response of a blocking function",
    "§6, §7: ai.google.dev, live-api/tools",
)
NON_BLOCKING_IGNORED = _silent(
    "non_blocking_ignored",
    "NON_BLOCKING has no effect on this model, which waits for '{name:.20}'",
    "a NON_BLOCKING function on a model that knows blocking ones only",
    "§7: ai.google.dev, live-api/tools",
)
RESPONSE_UNASKED = _silent(
    "response_unasked",
    "no call '{id:.30}' waits for a response: send the id of the toolCall",
    "a function response without an id, for no call, or for a cancelled one",
    "§3: google-genai refuses to send it; reaction not measured",
)
INPUT_DURING_CALL = _silent(
    "input_during_call",
    "audio while a blocking call waits often closes the real connection: hold it back",
    "audio between a toolCall and its response on 2.5 native audio",
    "§8.1: js-genai#1236, livekit/agents#4545",
)
TOOL_UNSUPPORTED = _silent(
    "tool_unsupported",
    "{tool} is not supported by this model",
    "code execution or URL context on a model without it",
    "§7: ai.google.dev, live-api/tools",
)
COMPRESSION_RANGE = _silent(
    "compression_range",
    "compression is triggered at 5,000 to 128,000 tokens, its target lies below",
    "compression triggered outside 5,000 to 128,000 tokens, or a target that is not below the trigger",
    "§5.1: docs.cloud.google.com; reaction not measured",
)
TRANSLATION_UNSUPPORTED = _silent(
    "translation_unsupported",
    "translationConfig has no effect: only live-translate models translate",
    "translationConfig to another model than live-translate",
    "§2.1: ai.google.dev, live translate",
)

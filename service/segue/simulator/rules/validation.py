"""What a setup may say, by model family and service: checked as the real service checks it, in its words."""

import re
from collections import Counter
from collections.abc import Iterator

from segue.simulator.families import Family, Proactive
from segue.simulator.families import Thinking as ThinkingKind
from segue.simulator.rules import rules, strict_rules
from segue.simulator.rules.rules import Violation
from segue.simulator.switches import Switches
from segue.simulator.wire.reader import Setup, Thinking
from segue.simulator.wire.schema import Flavour
from segue.simulator.wire.upgrade import Upgrade

_MODEL_PATHS = {
    Flavour.DEVELOPER: re.compile(r"(models|tunedModels)/[^/]+"),
    Flavour.VERTEX: re.compile(r"(projects/[^/]+/locations/(?P<location>[^/]+)/)?publishers/google/models/[^/]+"),
}
# Tools that some families do not have, in snake case.
_CODE_TOOLS = frozenset({"code_execution", "url_context"})
_COMPRESSION_TRIGGER = range(5_000, 128_001)


def setup_violation(
    setup: Setup, family: Family, upgrade: Upgrade, switches: Switches, *, strict: bool = False
) -> Violation | None:
    """Return the first rule that a setup breaks, if any.

    Args:
        setup: the message.
        family: that of its model.
        upgrade: which service and version was asked for.
        switches: how the service behaves where that is disputed.
        strict: what the service ignores counts, too.
    """
    closing = (
        _model_violation(setup.model, family, upgrade)
        or _modality_violation(setup, family)
        or _thinking_violation(setup.model, setup.thinking or Thinking(), family)
        or _tools_violation(setup, family)
        or _optional_violation(setup, family, upgrade)
        or (rules.RESUMPTION_EMPTY if switches.empty_resumption_refused and _resumes_nothing(setup) else None)
    )
    return closing or (next(_silent_violations(setup, family), None) if strict else None)


def _model_violation(model: str, family: Family, upgrade: Upgrade) -> Violation | None:
    path = _MODEL_PATHS[upgrade.flavour].fullmatch(model)
    if path is None:
        return rules.MODEL_PATH
    elsewhere = not family.in_global and path.groupdict().get("location") == "global"
    if upgrade.flavour not in family.flavours or elsewhere:
        return rules.model_unknown(model, upgrade.version)
    return None


def _modality_violation(setup: Setup, family: Family) -> Violation | None:
    unsupported = not family.modalities.issuperset(setup.modalities)
    if unsupported and setup.modalities == ("TEXT",) and setup.voice:
        return rules.VOICE_WITHOUT_AUDIO
    if unsupported or len(setup.modalities) > 1:
        return rules.modality_unsupported(setup.modalities)
    if setup.language_code and not family.takes_language:
        return rules.language_unsupported(setup.language_code)
    return None


def _thinking_violation(model: str, thinking: Thinking, family: Family) -> Violation | None:
    if thinking.level and not family.thinking_levels:
        return rules.THINKING_LEVEL_UNSUPPORTED
    if thinking.level and thinking.level not in family.thinking_levels:
        return rules.thinking_level_refused(thinking.level)
    if family.thinking is ThinkingKind.NONE and thinking != Thinking():
        return rules.thinking_unsupported(model)
    if family.thinking is ThinkingKind.LEVEL_REQUIRED and not thinking.level:
        return rules.THINKING_LEVEL_MISSING
    return None


def _tools_violation(setup: Setup, family: Family) -> Violation | None:
    twice = [name for name, count in Counter(function.name for function in setup.tools).items() if count > 1]
    if twice:
        return rules.function_twice(twice[0])
    blocking = any(function.behavior == "BLOCKING" for function in setup.tools)
    # The other way round, where all functions block, NON_BLOCKING is only ignored.
    return rules.BLOCKING_UNSUPPORTED if blocking and "BLOCKING" not in family.behaviors else None


def _optional_violation(setup: Setup, family: Family, upgrade: Upgrade) -> Violation | None:
    """Return what is wrong with what v1alpha of the Developer API introduced, and other versions do not know."""
    later_version = upgrade.flavour is Flavour.DEVELOPER and upgrade.version != "v1alpha"
    if setup.affective is not None:
        if not family.affective:
            return rules.AFFECTIVE_UNSUPPORTED
        if later_version:
            return rules.field_unknown("enableAffectiveDialog", "setup.generation_config")
    if setup.proactive_audio is not None:
        if family.proactive is Proactive.NEVER or (family.proactive is Proactive.ALWAYS and not setup.proactive_audio):
            return rules.PROACTIVE_UNSUPPORTED
        if later_version and family.proactive is Proactive.OPT_IN:
            return rules.field_unknown("proactivity", "setup")
    return None


def _resumes_nothing(setup: Setup) -> bool:
    return setup.resumption and not setup.handle


def _silent_violations(setup: Setup, family: Family) -> Iterator[Violation]:
    for function in setup.tools:
        if not family.calls_functions:
            yield strict_rules.TOOL_UNSUPPORTED.broken(tool="function calling")
        elif function.behavior == "NON_BLOCKING" and "NON_BLOCKING" not in family.behaviors:
            yield strict_rules.NON_BLOCKING_IGNORED.broken(name=function.name)
    if not family.runs_code:
        for tool in sorted(setup.built_in_tools & _CODE_TOOLS):
            yield strict_rules.TOOL_UNSUPPORTED.broken(tool=tool)
    if setup.translation and not family.translates:
        yield strict_rules.TRANSLATION_UNSUPPORTED.broken()
    if compression := setup.compression:
        trigger, target = compression.trigger_tokens, compression.target_tokens
        out_of_range = trigger is not None and trigger not in _COMPRESSION_TRIGGER
        if out_of_range or (target is not None and target >= (trigger or _COMPRESSION_TRIGGER.stop)):
            yield strict_rules.COMPRESSION_RANGE.broken()

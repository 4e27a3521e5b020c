"""Setups: what a link is set up with."""

from dataclasses import replace

import pytest

from segue.core.actions import Setup
from segue.core.options import Compression, FunctionDeclaration, Modality, Mode, Options, Sensitivity, ServerDetection
from segue.core.profiles import profile_of
from segue.core.setups import fault_of, setup_of

OPTIONS = Options(
    "gemini-3.8-live",
    voice="Kore",
    language="de-DE",
    system_instruction="Be brief.",
    detection=ServerDetection(start_sensitivity=Sensitivity.HIGH, silence_ms=500),
    compression=Compression(trigger_tokens=20_000),
    mode=Mode.MANUAL,
    functions=(FunctionDeclaration("weather"),),
    built_in_tools=("google_search",),
)


def setup(options: Options, instruction: str = "", handle: str = "", *, transparent: bool = False) -> Setup:
    return setup_of(options, profile_of(options.model), instruction, handle, transparent=transparent)


def test_a_modality_that_the_model_lacks_is_a_fault_with_advice() -> None:
    fault = fault_of(Options("gemini-3.8-live", modality=Modality.TEXT), profile_of("gemini-3.8-live"))
    assert fault is not None
    assert "gemini-3.8-live" in fault
    assert "choose another model" in fault


def test_a_modality_that_the_model_has_is_none() -> None:
    model = "gemini-2.0-flash-live-001"
    assert fault_of(Options(model, modality=Modality.TEXT), profile_of(model)) is None


ALWAYS = ("gemini-2.0-flash-live-001", "gemini-live-2.5-flash-native-audio", "gemini-3.1-flash-live-preview")
NEVER = ("gemini-3.8-live-extended-thinking",)
EITHER = ("gemini-live-2.5-flash", "gemini-2.5-flash-native-audio-preview-12-2025", "gemini-3.8-live")


@pytest.mark.parametrize(
    ("model", "blocking"), [*((model, False) for model in ALWAYS), *((model, True) for model in NEVER)]
)
def test_a_function_that_is_to_wait_or_not_where_the_model_has_no_choice_is_a_fault(model: str, blocking: bool) -> None:
    functions = (FunctionDeclaration("a"), *(FunctionDeclaration(name, blocking=blocking) for name in "bc"))
    fault = fault_of(Options(model, functions=functions), profile_of(model))
    assert fault is not None
    assert f"blocking is {str(blocking).lower()} in the declaration of 'b', 'c', and {model} " in fault


@pytest.mark.parametrize(
    ("model", "blocking"),
    [
        *((model, True) for model in ALWAYS),
        *((model, False) for model in NEVER),
        *((model, blocking) for model in EITHER for blocking in (False, True)),
    ],
)
def test_a_function_that_is_to_do_what_the_model_does_is_none(model: str, blocking: bool) -> None:
    functions = (FunctionDeclaration("a"), FunctionDeclaration("b", blocking=blocking))
    assert fault_of(Options(model, functions=functions), profile_of(model)) is None


def test_a_setup_holds_what_the_client_asked_for() -> None:
    made = setup(OPTIONS)
    for name in (
        "model",
        "voice",
        "language",
        "modality",
        "detection",
        "compression",
        "mode",
        "functions",
        "built_in_tools",
    ):
        assert getattr(made, name) == getattr(OPTIONS, name)


def test_a_setup_holds_the_extra_fields() -> None:
    assert setup(replace(OPTIONS, backend_options='{"labels":{}}')).extra == '{"labels":{}}'


def test_a_setup_holds_what_the_session_knows() -> None:
    made = setup(OPTIONS, "Be brief. Go on.", "h1", transparent=True)
    assert (made.system_instruction, made.handle, made.transparent) == ("Be brief. Go on.", "h1", True)


def test_a_language_that_would_close_the_link_is_left_out() -> None:
    assert setup(replace(OPTIONS, model="gemini-2.5-flash-native-audio-preview")).language == ""
    assert setup(OPTIONS).language == "de-DE"


@pytest.mark.parametrize(
    ("model", "demanded"), [("gemini-3.8-live-extended-thinking", True), ("gemini-3.8-live", False)]
)
def test_a_thinking_level_is_asked_for_where_the_model_demands_one(model: str, demanded: bool) -> None:
    assert bool(setup(replace(OPTIONS, model=model)).thinking_level) is demanded

"""The command line."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
import uvloop
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

import segue_client
from segue.checks import check as run_check
from segue.config import Settings, SettingsError, load
from segue.demo.command import demo as run_demo
from segue.edge.server import ListenError
from segue.record.command import compared, show
from segue.record.command import record as run_proxy
from segue.record.proxy import ProxyError
from segue.record.recording import RecordingError, load_recording
from segue.record.redaction import Redaction
from segue.serve import serve as run_serve
from segue.simulator.control import Control
from segue.simulator.dialogue_file import DialogueError, load_dialogue
from segue.simulator.families import family_of
from segue.simulator.faults import ALL_FAULTS
from segue.simulator.faults.plan import describe as describe_fault
from segue.simulator.faults.plan import fault_settings
from segue.simulator.recorder import Recorder, RecorderError
from segue.simulator.server import Simulator, SimulatorError
from segue.simulator.settings import SimulatorSettings, load_settings, read_switches
from segue.simulator.switches import Switches
from segue.simulator.values import SettingError
from segue.simulator.wire.schema import Flavour
from segue.simulator.world.campaign import CampaignError
from segue.simulator.world.command import run_worlds, tell_world
from segue.talk import TalkError
from segue.talk import talk as run_talk
from segue.telemetry import logs

app = typer.Typer(
    help="Voice sessions that do not break: a gRPC gateway to the Gemini Live API.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)

record_app = typer.Typer(help="Record the real Live API, and compare it with the simulator.", no_args_is_help=True)
app.add_typer(record_app, name="record")

Config = Annotated[Path | None, typer.Option(help="A TOML file with settings; SEGUE_* variables go before it.")]
Host = Annotated[str | None, typer.Option(help="Where gRPC listens. Default: 127.0.0.1.")]
Port = Annotated[int | None, typer.Option(help="gRPC port. Default: 50051.")]
MetricsHost = Annotated[str | None, typer.Option(help="Where metrics and probes listen. Default: 127.0.0.1.")]
MetricsPort = Annotated[int | None, typer.Option(help="Port of metrics and probes. Default: 9464.")]
Plaintext = Annotated[bool | None, typer.Option("--plaintext", help="Allow gRPC without TLS off loopback.")]
NoAuth = Annotated[bool | None, typer.Option("--no-auth", help="Allow gRPC without authentication off loopback.")]
Backend = Annotated[str | None, typer.Option(help="auto, live or simulator. Default: auto.")]


def main() -> None:
    """Run the command line; faults of the user's are one line on standard error and exit code 1."""
    try:
        app()
    except segue_client.UnavailableError as error:
        advice = "Is a gateway running there? `segue serve` starts one."
        Console(stderr=True).print(f"[red]segue:[/red] {escape(str(error))}. {advice}", highlight=False, soft_wrap=True)
        raise SystemExit(1) from None
    except (
        CampaignError,
        DialogueError,
        ListenError,
        ProxyError,
        RecorderError,
        RecordingError,
        SettingError,
        SettingsError,
        SimulatorError,
        TalkError,
        segue_client.SegueError,
    ) as error:
        Console(stderr=True).print(f"[red]segue:[/red] {escape(str(error))}", highlight=False, soft_wrap=True)
        raise SystemExit(1) from None


@app.command()
def serve(
    config: Config = None,
    host: Host = None,
    port: Port = None,
    metrics_host: MetricsHost = None,
    metrics_port: MetricsPort = None,
    plaintext: Plaintext = None,
    no_auth: NoAuth = None,
    backend: Backend = None,
) -> None:
    """Serve sessions, on the real Live API where credentials are set, else on the embedded simulator."""
    settings = load(
        config,
        host=host,
        port=port,
        metrics_host=metrics_host,
        metrics_port=metrics_port,
        plaintext=plaintext,
        no_auth=no_auth,
        backend=backend,
    )
    _configure_logs(settings)
    uvloop.run(run_serve(settings))


@app.command()
def check(
    config: Config = None,
    host: Host = None,
    port: Port = None,
    metrics_host: MetricsHost = None,
    metrics_port: MetricsPort = None,
    plaintext: Plaintext = None,
    no_auth: NoAuth = None,
    backend: Backend = None,
) -> None:
    """Print the effective settings, test what can be tested, and say what to fix."""
    settings = load(
        config,
        host=host,
        port=port,
        metrics_host=metrics_host,
        metrics_port=metrics_port,
        plaintext=plaintext,
        no_auth=no_auth,
        backend=backend,
    )
    logs.configure("error", "console")
    raise typer.Exit(0 if uvloop.run(run_check(settings, Console())) else 1)


@app.command()
def simulate(
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen; 0 takes a free one.")] = 8765,
    plain: Annotated[bool, typer.Option("--plain", help="ws instead of wss.")] = False,
    ca_file: Annotated[Path | None, typer.Option(help="Where to write the CA's certificate.")] = None,
    dialogue: Annotated[Path | None, typer.Option(help="A TOML file with what is said.")] = None,
    flavour: Annotated[
        Literal["developer", "vertex"] | None, typer.Option(help="Serve the paths of this service only. Default: both.")
    ] = None,
    model: Annotated[str, typer.Option(help="The only model that exists. Default: all that are known.")] = "",
    faults: Annotated[Path | None, typer.Option(help="A TOML file that sets switches and faults.")] = None,
    switch: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Set a disputed behaviour; can be repeated.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Close also at what the real service ignores without a word.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Where all that is random comes from.")] = 0,
    control: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, help="Port of an HTTP endpoint on loopback that makes faults strike; 0 takes a free one."
        ),
    ] = None,
    record: Annotated[
        Path | None, typer.Option(help="Append what happens to this file, as JSON lines; no audio, no secrets.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Print every fault and every switch, and end.")] = False,
) -> None:
    """Simulate the Live API, for any of its clients.

    `segue simulate --list` tells which faults there are, and which disputed behaviours can be switched.
    """
    if list_:
        _list_faults_and_switches(Console())
        return
    if model and family_of(model) is None:
        raise SettingError(f"{model} is of no known family of Live models")
    settings = SimulatorSettings() if faults is None else load_settings(faults)
    said = None if dialogue is None else load_dialogue(dialogue)
    switches = read_switches(switch or (), settings.switches)

    async def run() -> None:
        async with AsyncExitStack() as stack:
            simulator = await stack.enter_async_context(
                Simulator(
                    host,
                    port,
                    plain=plain,
                    dialogue=said,
                    seed=seed,
                    history=None if record is None else stack.enter_context(Recorder(record)),
                    flavour=None if flavour is None else Flavour[flavour.upper()],
                    model=model.rpartition("/")[2],
                    switches=switches,
                    faults=settings.faults,
                    strict=strict,
                )
            )
            if ca_file is not None and simulator.ca_pem:
                _write(ca_file, simulator.ca_pem)
            _describe(simulator, ca_file)
            if control is not None:
                endpoint = await stack.enter_async_context(Control(simulator, control))
                Console().print(f"Faults strike by hand over {endpoint.url}.", highlight=False)
            await asyncio.Event().wait()

    _until_interrupted(run())


@record_app.command("proxy")
def record_proxy(
    output: Annotated[Path, typer.Option(help="The recording to write, JSON lines; it must not exist yet.")],
    upstream: Annotated[
        str, typer.Option(help="The service: Google's, a Vertex region's, or a `segue simulate`.")
    ] = "wss://generativelanguage.googleapis.com",
    upstream_ca_file: Annotated[Path | None, typer.Option(help="Trust this CA as the service's, in PEM.")] = None,
    port: Annotated[int, typer.Option(help="Where to listen on 127.0.0.1; 0 takes a free one.")] = 8766,
    plain: Annotated[bool, typer.Option("--plain", help="Serve ws instead of wss.")] = False,
    ca_file: Annotated[Path | None, typer.Option(help="Where to write the proxy's CA certificate.")] = None,
    audio: Annotated[
        Literal["level", "full"], typer.Option(help="Record audio by its length and level, or in full.")
    ] = "level",
    no_text: Annotated[bool, typer.Option("--no-text", help="Record texts by their length only.")] = False,
) -> None:
    """Pass everything between a client and the Live API, and record it without secrets.

    Point a client at the proxy; it needs no other change, and uses its own key. Python (google-genai):

        segue record proxy --output call.jsonl --ca-file ca.pem

        export SSL_CERT_FILE=ca.pem GOOGLE_GEMINI_BASE_URL=https://127.0.0.1:8766

    JavaScript (@google/genai): --plain, and httpOptions: {baseUrl: "http://127.0.0.1:8766"}.

    Vertex AI: --upstream wss://us-central1-aiplatform.googleapis.com, and GOOGLE_VERTEX_BASE_URL.

    RECORDED: when each message came and what it said, texts and transcripts included (see --no-text); closes with
    their codes and reasons; the names of headers.

    NOT RECORDED: API keys and tokens, the values of headers and parameters that may be secret, resumption handles,
    session ids and project ids, for which pseudonyms stand that are the same throughout (key-1, handle-2); audio, but
    for its length and its level every 20 ms (see --audio full); images, but for their length; pings.

    Read a recording before you give it away: what was said in it is said in it.
    """
    redaction = Redaction(keep_audio=audio == "full", keep_text=not no_text)
    _until_interrupted(
        run_proxy(
            output,
            redaction,
            upstream=upstream,
            upstream_ca_file=upstream_ca_file,
            port=port,
            plain=plain,
            ca_file=ca_file,
            console=Console(),
        )
    )


@record_app.command("compare")
def record_compare(
    recording: Annotated[Path, typer.Argument(help="What `segue record proxy` wrote.")],
    dialogue: Annotated[
        Path | None, typer.Option(help="What the simulator says, in TOML; else as much as was recorded.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Where all that the simulator varies comes from.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print every point as JSON.")] = False,
) -> None:
    """Compare a recording with what the simulator would have sent, point by point.

    The client's messages are given to the simulator at their recorded times; no time passes. Compared are the kinds,
    order and fields of messages, voice activity, resumption updates and closes, which are the same or differ, and
    timings, which are within what the simulator does or outside. Words are never compared. The exit code is 0 if
    nothing but timings differs, else 1.
    """
    comparison = compared(load_recording(recording), dialogue, seed)
    show(comparison, Console(), as_json=as_json)
    raise typer.Exit(0 if comparison.agrees else 1)


@app.command()
def talk(
    target: Annotated[str, typer.Argument(help="The gateway's address.")] = "localhost:50051",
    wav: Annotated[Path | None, typer.Option(help="Say this: 16-bit mono PCM at 16000 Hz.")] = None,
    text: Annotated[str | None, typer.Option(help="Write this.")] = None,
    microphone: Annotated[bool, typer.Option("--microphone", help="Speak, until Ctrl-C.")] = False,
    output: Annotated[Path | None, typer.Option(help="Write what was heard to this WAV file.")] = None,
    speaker: Annotated[bool, typer.Option("--speaker", help="Play the answer.")] = False,
    model: Annotated[str, typer.Option(help="The model; empty for the server's default.")] = "",
    voice: Annotated[str, typer.Option(help="A prebuilt voice; empty for the model's default.")] = "",
    system_instruction: Annotated[str, typer.Option(help="What the model is to be and do.")] = "",
    token: Annotated[str | None, typer.Option(envvar="SEGUE_TOKEN", help="A bearer token.")] = None,
) -> None:
    """Hold a conversation from the terminal and watch its time-line."""
    options = segue_client.OpenSession(model=model, voice=voice, system_instruction=system_instruction)
    conversation = run_talk(
        target,
        wav=wav,
        text=text,
        microphone=microphone,
        output=output,
        speaker=speaker,
        options=options,
        token=token,
        console=Console(),
    )
    result = asyncio.run(conversation)
    raise typer.Exit(0 if result.answered else 1)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where to leave the reply, the history and the metrics.")] = Path(
        "build/demo"
    ),
    config: Config = None,
    backend: Backend = None,
) -> None:
    """Ask for a story, interrupt it, and talk on while links are renewed and lost: Segue in a minute."""
    settings = load(config, host="127.0.0.1", port=0, metrics_host="127.0.0.1", metrics_port=0, backend=backend)
    logs.configure("error", settings.log_format)
    folder.mkdir(parents=True, exist_ok=True)
    raise typer.Exit(0 if uvloop.run(run_demo(settings, folder, Console())) else 1)


@app.command()
def world(
    seeds: Annotated[str, typer.Option(metavar="N or N-M", help="The seeds of the worlds.")] = "1-100",
    minutes: Annotated[float, typer.Option(min=0.1, help="How long each of them lasts, in its own time.")] = 3.0,
    shard: Annotated[str, typer.Option(metavar="N/OF", help="Run only every so-manieth of the seeds.")] = "1/1",
    resume: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Note the finished seeds here, and run only the others.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="How many processes to use.")] = 1,
    story: Annotated[bool, typer.Option("--story", help="Tell all that happens in the world of one seed.")] = False,
) -> None:
    """Run sessions, clients and a simulated Live API under virtual time, and check every promise.

    Whatever can vary comes from the seed: what breaks a promise breaks it again with the same seed and minutes. The
    exit code is 1 if anything broke.
    """
    console = Console()
    if story:
        tell_world(seeds, minutes, console)
    kept = run_worlds(seeds, minutes, shard, resume, jobs, console)
    raise typer.Exit(0 if kept else 1)


def _configure_logs(settings: Settings) -> None:
    logs.configure(settings.log_level, settings.log_format)


def _describe(simulator: Simulator, ca_file: Path | None) -> None:
    console = Console()
    console.print(f"Simulating the Live API on [bold]{simulator.url}[/bold]. Ctrl-C stops it.", highlight=False)
    if ca_file is None and simulator.ca_pem:
        console.print("Its clients must trust its CA: start it with --ca-file FILE.", highlight=False)
    elif ca_file is not None:
        console.print(
            f"Any google-genai client, and so `segue serve`, uses it with\n\n  export SSL_CERT_FILE={ca_file} "
            f"GOOGLE_GEMINI_BASE_URL={simulator.url} GEMINI_API_KEY=simulated\n",
            highlight=False,
            soft_wrap=True,
        )


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        raise SimulatorError(f"{file}: cannot be written: {error.strerror or error}") from error


def _list_faults_and_switches(console: Console) -> None:
    faults = Table(Column("fault", no_wrap=True), "what it imitates", "settings", title="Faults", title_justify="left")
    for kind in ALL_FAULTS:
        settings = ", ".join(f"{name} = {default}" for name, default in fault_settings(kind).items())
        faults.add_row(kind.name, escape(describe_fault(kind)), settings)
    switches = Table(
        Column("switch", no_wrap=True), "default", "what it decides", "sources", title="Switches", title_justify="left"
    )
    for name, default, what, source in Switches.describe():
        switches.add_row(name, str(default).lower(), escape(what), escape(source))
    console.print(faults, switches)


def _until_interrupted(running: Any) -> None:
    try:
        uvloop.run(running)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None

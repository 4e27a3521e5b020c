"""The command line."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop
from rich.console import Console
from rich.markup import escape

import segue_client
from segue.checks import check as run_check
from segue.config import Settings, SettingsError, load
from segue.demo.command import demo as run_demo
from segue.edge.server import ListenError
from segue.serve import serve as run_serve
from segue.simulator.dialogue import DialogueError, load_dialogue
from segue.simulator.server import Simulator
from segue.talk import TalkError
from segue.talk import talk as run_talk
from segue.telemetry import logs

app = typer.Typer(
    help="Voice sessions that do not break: a gRPC gateway to the Gemini Live API.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)

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
    except (DialogueError, ListenError, SettingsError, TalkError, segue_client.SegueError) as error:
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
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 8765,
    plain: Annotated[bool, typer.Option("--plain", help="ws instead of wss.")] = False,
    ca_file: Annotated[Path | None, typer.Option(help="Where to write the CA's certificate.")] = None,
    dialogue: Annotated[Path | None, typer.Option(help="A TOML file with what is said.")] = None,
) -> None:
    """Simulate the Live API, for any of its clients."""
    said = None if dialogue is None else load_dialogue(dialogue)

    async def run() -> None:
        async with Simulator(host, port, plain=plain, dialogue=said) as simulator:
            if ca_file is not None and simulator.ca_pem:
                ca_file.write_bytes(simulator.ca_pem)
            _describe(simulator, ca_file)
            await asyncio.Event().wait()

    _until_interrupted(run())


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
    """Ask for a story, interrupt it, hear the next answer: the whole of Segue in half a minute."""
    settings = load(config, host="127.0.0.1", port=0, metrics_host="127.0.0.1", metrics_port=0, backend=backend)
    logs.configure("error", settings.log_format)
    folder.mkdir(parents=True, exist_ok=True)
    raise typer.Exit(0 if uvloop.run(run_demo(settings, folder, Console())) else 1)


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


def _until_interrupted(running: Any) -> None:
    try:
        uvloop.run(running)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None

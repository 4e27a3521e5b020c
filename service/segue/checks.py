"""`segue check`: the effective settings, and whether they work."""

import asyncio

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from segue.access import Access, Finding, without_secrets
from segue.backend.pool import Source
from segue.config import Settings, SettingsError, unknown_variables
from segue.core.events import LinkEvent, LinkLost, LinkOpened
from segue.core.options import Options
from segue.core.profiles import Profile, profile_of
from segue.core.setups import setup_of
from segue.edge.server import try_address
from segue.overrides import written
from segue.serve import Choice, chosen_backend


async def check(settings: Settings, console: Console) -> bool:
    """Print the settings and what was found of them. Returns whether all is well."""
    table = Table(title="Effective settings", title_justify="left")
    for column in ("setting", "value", "meaning"):
        table.add_column(column)
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        table.add_row(f"SEGUE_{name.upper()}", escape(_shown(name, value)), field.description)
    console.print(table, _families(settings))
    findings = _static_findings(settings)
    if settings.fault() is None:
        access = Access(settings)
        for shown in access.tables():
            console.print(shown)
        findings += await access.findings()
    findings += await _reach_backend(settings)
    for finding in findings:
        mark = "[red]✗[/red]" if finding.advice else "[green]✓[/green]"
        console.print(f"{mark} {finding.what}: {escape(finding.result)}", highlight=False)
        if finding.advice:
            console.print(f"  → {finding.advice}", highlight=False, markup=False)
    return not any(finding.advice for finding in findings)


def _shown(name: str, value: object) -> str:
    if name == "jwks":
        return without_secrets(str(value))
    if isinstance(value, dict):
        return ", ".join(value)
    return "" if value is None else str(value)


def _families(settings: Settings) -> Table:
    """Return what the families of models are taken to be able to do; what the settings change is in bold."""
    usual = {name: value for name, value in written(Profile("", ())).items() if name != "prefixes"}
    table = Table(title="Families of models", title_justify="left")
    for column in ("family", "models", "unlike the usual"):
        table.add_column(column)
    for profile in settings.policy().profiles:
        fields = written(profile)
        changed = settings.profiles.get(profile.family, {})
        unlike = [
            f"[bold]{escape(line)}[/bold]" if name in changed else escape(line)
            for name, line in ((name, f"{name} = {fields[name]}") for name in usual)
            if fields[name] != usual[name] or name in changed
        ]
        table.add_row(escape(profile.family), escape(fields["prefixes"]), "\n".join(unlike))
    table.add_row("[italic]the usual[/italic]", "", "\n".join(f"{name} = {value}" for name, value in usual.items()))
    return table


def _static_findings(settings: Settings) -> list[Finding]:
    findings = []
    fault = settings.fault()
    findings.append(Finding("listening", "refused", fault) if fault else Finding("listening", "allowed"))
    for name, host, port in (
        ("gRPC port", settings.host, settings.port),
        ("metrics port", settings.metrics_host, settings.metrics_port),
    ):
        findings.append(_port_finding(name, host, port))
    findings += [
        Finding("environment", f"{variable} is no setting", "correct its name, or unset it")
        for variable in unknown_variables()
    ]
    return findings


def _port_finding(name: str, host: str, port: int) -> Finding:
    try:
        try_address(host, port)
    except OSError as error:
        return Finding(name, f"{host}:{port} cannot be used: {error.strerror}", "stop what uses it, or set another")
    return Finding(name, f"{host}:{port} is free")


async def _reach_backend(settings: Settings) -> list[Finding]:
    try:
        async with chosen_backend(settings) as choice:
            try:
                findings = [await _reach(settings, source, choice) for source in choice.sources]
            finally:
                await choice.close()
            return findings
    except SettingsError as error:
        return [Finding("backend", "no credentials", str(error))]


async def _reach(settings: Settings, source: Source, choice: Choice) -> Finding:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[LinkEvent] = loop.create_future()

    def hear(event: LinkEvent) -> None:
        if isinstance(event, LinkOpened | LinkLost) and not answer.done():
            answer.set_result(event)

    started = loop.time()
    profile = profile_of(settings.model, settings.policy().profiles)
    setup = setup_of(Options(model=settings.model), profile, "", "", transparent=source.credential.vertex)
    source.account.dial(1, setup, hear)
    event = await answer
    what = "backend" if len(choice.sources) == 1 else f"credential {source.credential.name}"
    if isinstance(event, LinkLost):
        return Finding(what, f"{choice.why}: no session with {settings.model}", event.message)
    took = (loop.time() - started) * 1000
    return Finding(what, f"{choice.why}: {settings.model} answered the setup in {took:.0f} ms")

"""Both wheels hold what they need and install in environments of their own."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.tools import ROOT, lack

CONSTRAINTS = ROOT / ".ci" / "constraints.txt"
# What pip says of a registry that does not answer.
UNREACHABLE = ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ReadTimeoutError", "ProxyError")

# Downloading and installing takes its time.
pytestmark = pytest.mark.timeout(600)


def build(project: Path, folder: Path) -> Path:
    """Build the wheel of a project into a folder of its own."""
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(project)],
        check=True,
        capture_output=True,
        timeout=120,
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def client_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT / "clients" / "python", tmp_path_factory.mktemp("client"))


@pytest.fixture(scope="module")
def service_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("service"))


class Environment:
    """A virtual environment with nothing in it but what is installed here."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=True)
        self._folder = folder

    def run(self, program: str, *arguments: str) -> str:
        """Run a program of the environment outside the checkout and return what it wrote."""
        finished = subprocess.run(
            [str(self._folder / "bin" / program), *arguments],
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    def install(self, *wheels: Path) -> None:
        pip = [str(self._folder / "bin" / "pip"), "--disable-pip-version-check", "install", "--quiet", "--retries", "1"]
        finished = subprocess.run(
            [*pip, "-c", str(CONSTRAINTS), *map(str, wheels)], capture_output=True, text=True, timeout=500, check=False
        )
        if any(error in finished.stderr for error in UNREACHABLE):
            lack("the package registry cannot be reached")
        assert finished.returncode == 0, finished.stderr

    def installed(self) -> set[str]:
        names = self.run("python", "-m", "pip", "--disable-pip-version-check", "list", "--format", "freeze").split()
        return {name.partition("==")[0].lower().replace("_", "-") for name in names} - {"pip", "setuptools"}


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path / "venv")


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_service_wheel_holds_its_dialogue_its_speech_and_its_types(service_wheel: Path) -> None:
    names = names_in(service_wheel)
    for kind in ("*.py", "*.toml", "*.wav", "py.typed"):
        sources = {str(path.relative_to(ROOT / "service")) for path in (ROOT / "service" / "segue").rglob(kind)}
        assert sources, kind
        assert sources <= names, kind
    assert {name.partition("/")[0] for name in names} == {"segue", "segue-0.1.0.dist-info"}


def test_the_client_wheel_holds_the_stubs_and_its_types(client_wheel: Path) -> None:
    names = names_in(client_wheel)
    package = ROOT / "clients" / "python" / "segue_client"
    for kind in ("*.py", "*.pyi", "py.typed"):
        sources = {str(path.relative_to(package.parent)) for path in package.rglob(kind)}
        assert sources, kind
        assert sources <= names, kind
    assert {name.partition("/")[0] for name in names} == {"segue_client", "segue_client-0.1.0.dist-info"}


def test_the_client_installs_alone_with_grpc_and_protobuf_only(client_wheel: Path, environment: Environment) -> None:
    environment.install(client_wheel)
    # grpcio itself needs typing-extensions.
    assert environment.installed() == {"segue-client", "grpcio", "protobuf", "typing-extensions"}
    environment.run("python", "-c", "import segue_client; segue_client.connect, segue_client.OpenSession")


def test_the_service_installs_and_its_command_runs_outside_the_checkout(
    client_wheel: Path, service_wheel: Path, environment: Environment
) -> None:
    environment.install(client_wheel, service_wheel)
    assert "serve" in environment.run("segue", "--help")
    environment.run("python", "-c", "import segue, segue_client")
    checked = environment.run("segue", "check", "--backend", "simulator", "--port", "0", "--metrics-port", "0")
    assert "SIMULATED" in checked

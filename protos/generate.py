"""Write the Python stubs of the contract into a folder: by default the one place where they are committed."""

import re
import sys
import tempfile
from importlib import resources
from pathlib import Path

from grpc_tools import protoc

PROTOS = Path(__file__).resolve().parent
COMMITTED = PROTOS.parent / "clients" / "python" / "segue_client" / "segue"


def generate(target: Path) -> list[Path]:
    """Generate the stubs of every proto into `target` and return the files written, relative to it.

    The stubs live inside `segue_client`, so that no second distribution owns a top-level `segue` package: the imports
    between them are rewritten to match. The names in the descriptors stay `segue/v1/...`, as in every language.
    """
    sources = sorted(path.relative_to(PROTOS) for path in PROTOS.glob("segue/**/*.proto"))
    bundled = resources.files("grpc_tools") / "_proto"
    with tempfile.TemporaryDirectory() as scratch:
        failed = protoc.main(
            [
                "protoc",
                f"--proto_path={PROTOS}",
                f"--proto_path={bundled}",
                f"--python_out={scratch}",
                f"--pyi_out={scratch}",
                f"--grpc_python_out={scratch}",
                *map(str, sources),
            ]
        )
        if failed:
            raise SystemExit(failed)
        written = []
        for stub in sorted(Path(scratch, "segue").rglob("*.py*")):
            name = stub.relative_to(Path(scratch, "segue"))
            if stub.name.endswith("_pb2_grpc.py") and "service" not in stub.name:
                continue
            text = re.sub(r"^from segue\.", "from segue_client.segue.", stub.read_text(), flags=re.MULTILINE)
            destination = target / name
            destination.parent.mkdir(parents=True, exist_ok=True)
            destination.write_text(text)
            written.append(name)
    for package in sorted({name.parent for name in written} | {Path()}):
        (target / package / "__init__.py").write_text('"""Generated from protos/ by `make protos`."""\n')
        written.append(package / "__init__.py")
    return written


if __name__ == "__main__":
    for written_file in generate(Path(sys.argv[1]) if len(sys.argv) > 1 else COMMITTED):
        print(written_file)

"""Run the test suites one after the other and print the minutes of each."""

import subprocess
import sys
import time

# The core is measured by its own tests alone: every branch of it, without the network's help.
SUITES = {
    "core": ["tests/core", "-n", "2", "--cov=segue.core", "--cov-branch", "--cov-fail-under=100"],
    "service": [
        "tests",
        "-n",
        "2",
        *(f"--ignore=tests/{other}" for other in ("core", "world", "soak", "contract", "bench")),
    ],
    # Simulated runs, in virtual time.
    "world": ["tests/world", "-n", "2"],
    "contract": ["tests/contract"],
    # Alone, since they measure.
    "soak": ["tests/soak"],
    "bench": ["tests/bench"],
}


def main() -> int:
    minutes, failed = {}, []
    for suite, arguments in SUITES.items():
        print(f"\n=== {suite}", flush=True)
        started = time.monotonic()
        if subprocess.run([sys.executable, "-m", "pytest", "-q", *arguments], check=False).returncode:
            failed.append(suite)
        minutes[suite] = (time.monotonic() - started) / 60
    print("\nminutes a suite: " + ", ".join(f"{suite} {taken:.1f}" for suite, taken in minutes.items()))
    if failed:
        print(f"failed suites: {', '.join(failed)}")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())

# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-test sanity, on every ansible-core that the Python interpreters found here allow.

It runs in a staged copy of the tracked files, because ansible-test refuses the symlink that makes a checkout a
collection.
Interpreters that are not there are listed as not run, never passed over in silence.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from testbed.state import cache_folder
from tooling.prepare import ROOT
from tooling.steps import StepFailed, run

# ansible-core -> the Python it is tested with here, and the pip release whose bootstrap script ansible-test looks for.
CORES = {
    "2.18.19": ("3.11", "24.2"),
    "2.19.14": ("3.11", "24.2"),
    "2.20.10": ("3.12", "25.2"),
    "2.21.5": ("3.12", "25.2"),
}
# Rooms that are no part of the collection that ansible-test knows.
LEFT_OUT = (
    "testbed/",
    "tooling/",
    "benchmarks/",
    "tests/testbed/",
    "tests/acceptance/",
    "tests/tooling/",
    "requirements/",
    ".ci/",
)


def main() -> None:
    """Run sanity for each core that is asked for; exit 1 when one fails."""
    parser = argparse.ArgumentParser(prog="python -m tooling.sanity", description=__doc__)
    parser.add_argument("--core", action="append", choices=CORES, help="only this ansible-core (may be repeated)")
    wanted = parser.parse_args().core or list(CORES)
    interpreters = {core: find_interpreter(CORES[core][0]) for core in wanted}
    chosen = [core for core, interpreter in interpreters.items() if interpreter]
    # Side by side, as most of a run is one process after the other; but ansible-test keeps its virtual environments in
    # the home folder by Python version, and two runs that make the same one for the first time break each other's.
    lanes: dict[str, list[str]] = {}
    for core in chosen:
        lanes.setdefault(CORES[core][0], []).append(core)
    results: dict[str, StepFailed | None] = {}

    def lane(cores: list[str]) -> None:
        results.update((core, attempt(core, str(interpreters[core]))) for core in cores)

    with ThreadPoolExecutor(max_workers=len(lanes) or 1) as pool:
        list(pool.map(lane, lanes.values()))
    for failure in filter(None, results.values()):
        print(failure)
    words = {
        "passed": [core for core in chosen if not results[core]],
        "failed": [core for core in chosen if results[core]],
        "not run": [f"{core} (no Python {CORES[core][0]} here)" for core in wanted if core not in chosen],
    }
    print("sanity: " + "; ".join(f"{word} on {', '.join(cores) or 'none'}" for word, cores in words.items()))
    sys.exit(1 if words["failed"] or not words["passed"] else 0)


def attempt(core: str, interpreter: str) -> StepFailed | None:
    """Run sanity for one ansible-core on a staged copy of its own. Return what failed, or None."""
    python, pip = CORES[core]
    try:
        with tempfile.TemporaryDirectory(prefix="sanity-") as folder:
            sanity(core, python, interpreter, pip, stage(Path(folder)))
    except StepFailed as failure:
        return failure
    return None


def find_interpreter(version: str) -> str | None:
    """Return a Python of this version that really starts (a version manager's shim may not), or None."""
    candidates = [shutil.which(f"python{version}")]
    candidates += [str(path) for path in sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"))]
    if sys.version.startswith(f"{version}."):
        candidates.insert(0, sys.executable)
    for candidate in filter(None, candidates):
        check = subprocess.run(
            [candidate, "-c", "import ensurepip, sys; print(sys.version_info[:2])"], capture_output=True, text=True
        )
        if check.returncode == 0 and str(tuple(map(int, version.split(".")))) in check.stdout:
            return candidate
    return None


def stage(folder: Path) -> Path:
    """Copy the tracked files that make the collection into ``ansible_collections/gatewayops/apigee_gke`` below a
    folder."""
    target = folder / "ansible_collections" / "gatewayops" / "apigee_gke"
    for name in run(["git", "ls-files", "-z"], cwd=ROOT).split("\0"):
        source = ROOT / name
        if name and not name.startswith(LEFT_OUT) and source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    run(["git", "init", "-q"], cwd=target)
    run(["git", "add", "-A"], cwd=target)
    return target


def sanity(core: str, python: str, interpreter: str, pip: str, collection: Path) -> None:
    """Run ``ansible-test sanity`` of one ansible-core on a staged collection.

    :raises StepFailed: with what it printed.
    """
    venv = cache_folder() / "sanity" / f"core-{core}-python-{python}"
    if not (venv / ".complete").exists():
        shutil.rmtree(venv, ignore_errors=True)
        run([interpreter, "-m", "venv", str(venv)])
        run(
            [
                str(venv / "bin" / "python"),
                "-m",
                "pip",
                "install",
                "-q",
                "--disable-pip-version-check",
                f"ansible-core=={core}",
                f"pip=={pip}",
            ]
        )
        (venv / ".complete").touch()
    _offer_pip_bootstrap(pip)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "PYTHONPATH"))}
    environment["PATH"] = f"{venv / 'bin'}{os.pathsep}{environment['PATH']}"
    environment["VIRTUAL_ENV"] = str(venv)
    command = [
        str(venv / "bin" / "ansible-test"),
        "sanity",
        "--local",
        "--requirements",
        "--python",
        python,
        "--color",
        "no",
    ]
    run(command, cwd=collection, env=environment)


def _offer_pip_bootstrap(pip: str) -> None:
    """Give ansible-test the pip bootstrap script that it otherwise downloads from its own file host.

    The stand-in puts the pip wheel of the package registry on the path and calls its ``install``
    (ansible/ansible#77304 asks for this to be possible).
    """
    cache = Path.home() / ".ansible" / "test" / "cache"
    script = cache / f"get_pip_{pip.replace('.', '_')}.py"
    if script.exists():
        return
    cache.mkdir(parents=True, exist_ok=True)
    wheels = cache_folder() / "sanity" / "pip"
    run(
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--disable-pip-version-check",
            "--no-deps",
            "-d",
            str(wheels),
            f"pip=={pip}",
        ]
    )
    wheel = next(wheels.glob(f"pip-{pip}-*.whl"))
    script.write_text(
        "# Written by gatewayops.apigee_gke: installs pip from the package registry's wheel.\n"
        "import sys\n"
        f"sys.path.insert(0, {str(wheel)!r})\n"
        "from pip._internal.cli.main import main\n"
        f"arguments = [item for item in sys.argv[1:] if item not in ('--no-setuptools', '--no-wheel')]\n"
        f"sys.exit(main(['install', '--disable-pip-version-check', 'pip=={pip}']"
        " + [item for item in arguments if item.startswith('-')]))\n"
    )


if __name__ == "__main__":
    main()

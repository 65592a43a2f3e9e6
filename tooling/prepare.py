# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a fresh clone to a checkout that works: virtual environment, collections, testbed, Kubernetes.

Every step is skipped when its inputs have not changed, so that a second run costs nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from testbed.state import cache_folder
from tooling import machine
from tooling.steps import Step, StepFailed, run

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
COLLECTIONS = ROOT / ".ansible" / "collections" / "ansible_collections"
# The newest Ansible bundle that carries the kubernetes.core we pin; its wheel is the way to get it from a package
# registry alone.
KUBERNETES_CORE = "6.2.0"
BUNDLE = "ansible==12.3.0"


def main() -> None:
    """Prepare what the named profile needs: ``run`` (the demo) or ``test`` (every gate)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("profile", choices=["run", "test"])
    parser.add_argument(
        "--without-kubernetes", action="store_true", help="do not build Kubernetes (for lint and unit tests only)"
    )
    arguments = parser.parse_args()
    try:
        prepare(arguments.profile, kubernetes=not arguments.without_kubernetes)
    except StepFailed as failure:
        sys.exit(f"\n{failure}")


def prepare(profile: str, *, kubernetes: bool = True) -> None:
    """Do what is still to be done.

    :raises StepFailed: with what to do about it.
    """
    with Step("machine") as step:
        machine.check(step)
    with Step("tools") as step:
        _venv(profile)
        _collections()
        extent = "everything the tests need" if profile == "test" else "ansible-core"
        step.detail(f".venv, kubernetes.core {KUBERNETES_CORE}, {extent}")
    if kubernetes:
        with Step("kubernetes") as step:
            _kubernetes(step)


def _venv(profile: str) -> None:
    files = [ROOT / "requirements" / "run.txt", ROOT / "requirements" / "constraints.txt"]
    if profile == "test":
        files.append(ROOT / "requirements" / "test.txt")
    digest = hashlib.sha256(sys.version.encode() + b"".join(file.read_bytes() for file in files)).hexdigest()
    mark = VENV / f".prepared-{profile}"
    if mark.exists() and mark.read_text() == digest:
        return
    if not PYTHON.exists():
        run([sys.executable, "-m", "venv", str(VENV)])
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    requirements = [argument for file in files if file.name != "constraints.txt" for argument in ("-r", str(file))]
    run([*pip, "-c", str(files[1]), *requirements])
    run([*pip, "-c", str(files[1]), "--no-deps", "--no-build-isolation", "-e", str(ROOT / "testbed")])
    mark.write_text(digest)


def _collections() -> None:
    """Link the checkout under its collection name and fetch kubernetes.core.

    The pinned bundle wheel comes first because it needs nothing but the package registry; the Galaxy server is the
    way where that wheel is not to be had.
    """
    link = COLLECTIONS / "gatewayops" / "apigee_gke"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(os.path.relpath(ROOT, link.parent), target_is_directory=True)
    manifest = COLLECTIONS / "kubernetes" / "core" / "MANIFEST.json"
    if manifest.exists() and f'"version": "{KUBERNETES_CORE}"' in manifest.read_text():
        return
    source = cache_folder() / f"kubernetes-core-{KUBERNETES_CORE}"
    galaxy = [str(VENV / "bin" / "ansible-galaxy"), "collection", "install", "--force", "-p", str(COLLECTIONS.parent)]
    try:
        if not source.exists():
            _unpack_from_bundle(source)
        run([*galaxy, "--offline", str(source)])
    except StepFailed as failure:
        try:
            run([*galaxy, f"kubernetes.core:{KUBERNETES_CORE}"])
        except StepFailed as galaxy_failure:
            raise StepFailed(
                f"kubernetes.core {KUBERNETES_CORE} could be had neither from the {BUNDLE} wheel nor from Galaxy.\n"
                f"{failure}\n{galaxy_failure}"
            ) from failure


def _unpack_from_bundle(target: Path) -> None:
    import zipfile

    with tempfile.TemporaryDirectory() as folder:
        run(
            [
                str(PYTHON),
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--disable-pip-version-check",
                "-d",
                folder,
                BUNDLE,
            ]
        )
        prefix = "ansible_collections/kubernetes/core/"
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            wheel.extractall(folder, [name for name in wheel.namelist() if name.startswith(prefix)])
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.{os.getpid()}")
        shutil.copytree(Path(folder) / prefix, partial)
        partial.replace(target)


def _kubernetes(step: Step) -> None:
    command = [str(PYTHON), "-m", "testbed.kubernetes.build"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT.parent, stdin=subprocess.DEVNULL
    )
    if process.stdout is None or process.stderr is None:
        raise StepFailed("The build of Kubernetes could not be followed.")
    last = ""
    for line in process.stdout:
        fraction, _, last = line.strip().partition(" ")
        try:
            step.progress(float(fraction), last)
        except ValueError:
            last = line.strip()
    errors = process.stderr.read()
    if process.wait():
        raise StepFailed(f"Kubernetes could not be built:\n{errors[-3000:]}")
    step.detail(last or "built and cached")


if __name__ == "__main__":
    main()

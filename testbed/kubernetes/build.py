# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the testbed's executables from Go modules, once per content of their sources.

    python -m testbed.kubernetes.build        build what is missing; progress as `show` or `tell` below

The result lies in the cache under a hash of everything that decides it, complete or not at all: it is built beside
and renamed. Two processes that need the same build wait for one.
"""
from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from testbed.state import cache_folder

from .toolchain import BuildError, Progress, ensure_go, environment, quiet, required_version

#: What a node needs from the distribution: tools, no daemons. (name of the package, executable that shows it)
APT_TOOLS = {"runc": "runc", "nftables": "nft", "iproute2": "ip", "util-linux": "nsenter", "mount": "mount"}
APT_PACKAGES = tuple(APT_TOOLS)

KUBERNETES_VERSION = "1.36.3"
#: Builds that nobody used for so long are removed when a new one is made.
KEEP_SECONDS = 14 * 24 * 3600
_CNI = "github.com/containernetworking/plugins/plugins"
_VERSION = "k8s.io/component-base/version"


@dataclass(frozen=True)
class GoModule:
    """A Go module of ours and what is built from it.

    name: folder in the cache. folder: where go.mod lies. packages: main packages, as ``go build`` takes them.
    links: further names -> executable, for executables that act by the name they are called by.
    """

    name: str
    folder: Path
    packages: tuple[str, ...]
    tags: tuple[str, ...] = ()
    definitions: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)

    @property
    def arguments(self) -> list[str]:
        linker = " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in sorted(self.definitions.items()))])
        return ["-buildvcs=false", "-trimpath", "-tags", ",".join(self.tags), "-ldflags", linker]

    def sources(self) -> Iterator[Path]:
        """Every file that decides the result, without those of modules nested in the folder."""
        for folder, folders, files in os.walk(self.folder):
            here = Path(folder)
            folders[:] = sorted(each for each in folders if not (here / each / "go.mod").exists())
            for name in sorted(files):
                if name.endswith(".go") and not name.endswith("_test.go") or name in ("go.mod", "go.sum"):
                    yield here / name

    def digest(self) -> str:
        """Sixteen hexadecimal digits that change with sources, options and processor."""
        total = hashlib.sha256()
        for part in (platform.machine(), *self.packages, *self.arguments, repr(sorted(self.links.items()))):
            total.update(part.encode() + b"\0")
        for path in self.sources():
            total.update(str(path.relative_to(self.folder)).encode() + b"\0")
            total.update(hashlib.sha256(path.read_bytes()).digest())
        return total.hexdigest()[:16]

    @property
    def built(self) -> Path:
        """Where the executables lie once they are built."""
        return cache_folder() / self.name / self.digest()


NODE = GoModule(
    name="kubernetes",
    folder=Path(__file__).resolve().parent / "go" / "node",
    packages=("./cmd/node", "./cmd/containerd-shim-runc-v2", f"{_CNI}/ipam/host-local", f"{_CNI}/main/loopback",
              f"{_CNI}/main/ptp", f"{_CNI}/meta/portmap"),
    tags=("no_btrfs", "no_devmapper", "no_zfs"),
    definitions={
        # Without them the version reads as nonsense, and clients that depend on it misbehave.
        f"{_VERSION}.gitVersion": f"v{KUBERNETES_VERSION}",
        f"{_VERSION}.gitMajor": KUBERNETES_VERSION.split(".")[0],
        f"{_VERSION}.gitMinor": KUBERNETES_VERSION.split(".")[1],
        f"{_VERSION}.gitTreeState": "clean",
    },
    links=dict.fromkeys((
        "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl",
        "containerd", "ctr", "coredns"), "node"),
)


def ensure_binaries(progress: Progress = quiet) -> Path:
    """The folder with the node's executables, ``kubectl`` and ``coredns`` among them; built when missing.

    ``progress`` is called with a fraction (0 to 1, or None while it is unknown) and a text. Blocks for minutes when
    there is something to build; returns within milliseconds when not. Raises BuildError.
    """
    return ensure_module(NODE, progress)


def missing_tools() -> list[str]:
    """Packages of :data:`APT_PACKAGES` whose executable is not on PATH."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    return [package for package, tool in APT_TOOLS.items() if not shutil.which(tool, path=path)]


def ensure_module(module: GoModule, progress: Progress = quiet) -> Path:
    """As :func:`ensure_binaries`, for any module."""
    target = module.built
    if target.exists():
        with contextlib.suppress(OSError):
            os.utime(target)  # says that it is in use
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target.parent / "lock", "w", encoding="ascii") as lock:
        _lock(lock.fileno(), module.name, progress)
        if target.exists():
            return target
        go = ensure_go(required_version(module.folder / "go.mod"), progress)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="building-") as temporary:
            partial = Path(temporary) / "bin"
            partial.mkdir()
            _build(module, go, partial, progress)
            for name, executable in module.links.items():
                (partial / name).symlink_to(executable)
            os.rename(partial, target)
        _forget_old(target)
    return target


def _lock(handle: int, name: str, progress: Progress) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        progress(None, f"{name}: waiting for another process that builds it")
        fcntl.flock(handle, fcntl.LOCK_EX)


def _build(module: GoModule, go: Path, target: Path, progress: Progress) -> None:
    progress(None, f"{module.name}: fetching modules")
    total = 0
    for line, error in _lines([str(go), "list", "-deps", "-tags", ",".join(module.tags), *module.packages], module):
        if error:
            progress(None, f"{module.name}: {line.removeprefix('go: ')}")
        else:
            total += 1
    command = [str(go), "build", "-v", *module.arguments, "-o", f"{target}/", *module.packages]
    for done, (line, _error) in enumerate(_lines(command, module), 1):
        # What an earlier build has cached is not named again, so the count may stay short of the total.
        progress(min(done / max(total, 1), 0.99), f"{module.name}: {line}")
    progress(1.0, f"{module.name}: built")


def _lines(argv: list[str], module: GoModule) -> Iterator[tuple[str, bool]]:
    """Lines of a command's two streams as they come, with True for those of stderr. Raises BuildError."""
    told: list[str] = []
    with subprocess.Popen(argv, cwd=module.folder, env=environment(), stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        for raw in process.stdout:
            line = raw.rstrip()
            told.append(line)
            yield line, line.startswith("go: ")
    if process.returncode != 0:
        raise BuildError(f"{' '.join(argv[:2])} of {module.name} failed:\n" + "\n".join(told[-20:]))


def _forget_old(current: Path) -> None:
    for other in current.parent.iterdir():
        if other.is_dir() and other != current and time.time() - other.stat().st_mtime > KEEP_SECONDS:
            shutil.rmtree(other, ignore_errors=True)


def show(fraction: float | None, text: str) -> None:
    """Progress for people: one line that changes on a terminal, a line per twentieth elsewhere; on stderr."""
    percent = "     " if fraction is None else f"{fraction:4.0%} "
    if sys.stderr.isatty():
        print(f"\r\x1b[K{percent}{text[:100]}", end="\n" if fraction == 1.0 else "", file=sys.stderr, flush=True)
    elif _advanced("show", fraction, 20):
        print(f"{percent}{text}", file=sys.stderr, flush=True)


def tell(fraction: float | None, text: str) -> None:
    """Progress for programs, on stdout: ``0.42 text`` for each hundredth, only the text while it is unknown."""
    if _advanced("tell", fraction, 100):
        print(text if fraction is None else f"{fraction:.2f} {text}", flush=True)


_steps: dict[str, int] = {}


def _advanced(reader: str, fraction: float | None, parts: int) -> bool:
    """Whether the fraction has come to another part than the reader was told last; unknown ones are always told."""
    step = -1 if fraction is None else int(fraction * parts)
    before, _steps[reader] = _steps.get(reader), step
    return step < 0 or step != before


def main() -> int:
    from testbed.images import ensure_images
    from testbed.images.cert_manager import ensure_cert_manager

    for part in (ensure_binaries, ensure_images, ensure_cert_manager):
        try:
            part(show if sys.stderr.isatty() else tell)
        except BuildError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

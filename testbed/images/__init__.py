# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Container images made from packages and sources, without a registry. Every new node has them before its first pod."""
from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from testbed.kubernetes.build import GoModule, ensure_module
from testbed.kubernetes.configuration import PAUSE_IMAGE
from testbed.kubernetes.toolchain import BuildError, Progress, quiet

from . import microgateway, tls
from .oci import Entry, Image, write_archive

#: The demonstration's application, and (by the name of ``curl``) the caller of the verification Job.
SAMPLE_APP_IMAGE = "docker.io/gatewayops/sample-app:1"

GO_IMAGES = GoModule(name="images", folder=Path(__file__).resolve().parent / "go",
                     packages=("./cmd/pause", "./cmd/sample-app"))
#: A user of no privileges. Numeric: kubelet refuses a named user where a pod asks for runAsNonRoot.
USER = "65532:65532"


@dataclass(frozen=True)
class Recipe:
    """How an image is made: ``make`` gets the folder with the executables of :data:`GO_IMAGES`."""

    file: str
    reference: str
    make: Callable[[Path], Image]


def _pause(binaries: Path) -> Image:
    return Image(reference=PAUSE_IMAGE, entrypoint=("/pause",), user=USER,
                 layers=({"pause": Entry((binaries / "pause").read_bytes(), 0o755)},))


def _sample_app(binaries: Path) -> Image:
    return Image(
        reference=SAMPLE_APP_IMAGE, entrypoint=("/sample-app",), user=USER, ports=(8080,),
        layers=({
            "sample-app": Entry((binaries / "sample-app").read_bytes(), 0o755),
            "usr/bin/curl": Entry(None, link="/sample-app"),
            "etc/passwd": Entry(b"root:x:0:0:root:/:/none\nnonroot:x:65532:65532:nonroot:/:/none\n"),
            "etc/group": Entry(b"root:x:0:\nnonroot:x:65532:\n"),
            "tmp": Entry(None, 0o1777),
        },))


def _engine(name: str) -> Recipe:
    return Recipe(f"tls-{name}.tar", tls.SERVERS[name].reference, lambda _binaries: tls.image(name))


#: What every node has: what a cluster needs, the demonstration's application, the default TLS engine, and what the
#: webhook runs on.
RECIPES = (Recipe("pause.tar", PAUSE_IMAGE, _pause), Recipe("sample-app.tar", SAMPLE_APP_IMAGE, _sample_app),
           _engine("nginx"), Recipe("python.tar", tls.PYTHON.reference, lambda _binaries: tls.image(tls.PYTHON.name)))
#: What nodes have only where it is asked for, because it takes room and time.
OPTIONAL = {f"tls-{name}": _engine(name) for name in tls.SERVERS if name != "nginx"}
OPTIONAL[microgateway.NAME] = Recipe(f"{microgateway.NAME}.tar", microgateway.REFERENCE,
                                     lambda _binaries: microgateway.image())
#: Names of :data:`OPTIONAL` separated by commas, for every node that a testbed starts.
WANTED_VARIABLE = "TESTBED_IMAGES"


def wanted() -> list[str]:
    """Names of :data:`OPTIONAL` that :data:`WANTED_VARIABLE` asks for. Raises BuildError for one that is not there."""
    names = [name for name in os.environ.get(WANTED_VARIABLE, "").split(",") if name]
    unknown = [name for name in names if name not in OPTIONAL]
    if unknown:
        raise BuildError(f"{WANTED_VARIABLE}: no image {', '.join(unknown)}; there are {', '.join(OPTIONAL)}")
    return names


def ensure_images(progress: Progress = quiet, optional: Iterable[str] | None = None) -> list[Path]:
    """The archives of all images, made when missing: :data:`RECIPES`, then those of :data:`OPTIONAL` that are wanted,
    by name; unless given, :data:`WANTED_VARIABLE` says so. Raises BuildError."""
    binaries = ensure_module(GO_IMAGES, progress)
    # What makes the archives decides them too.
    sources = [*sorted(Path(__file__).parent.glob("*.py")), *microgateway.SOURCES]
    makers = hashlib.sha256(b"".join(path.read_bytes() for path in sources))
    archives = []
    for recipe in (*RECIPES, *(OPTIONAL[name] for name in (wanted() if optional is None else optional))):
        archive = binaries / f"{makers.hexdigest()[:12]}-{recipe.file}"
        if not archive.exists():
            partial = archive.with_name(f"{archive.name}.{os.getpid()}")
            write_archive(partial, recipe.make(binaries))
            os.replace(partial, archive)
        archives.append(archive)
    return archives

# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real cert-manager for clusters of the testbed: its images, its unmodified chart, and Helm to install it with.

All of it comes from Go modules: cert-manager's own (program and chart) and Helm's.
"""
from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from testbed.kubernetes.build import GoModule, ensure_module
from testbed.kubernetes.toolchain import (
    BuildError,
    Progress,
    ensure_go,
    environment,
    quiet,
    required_version,
)

from .oci import Entry, Image, write_archive

VERSION = "v1.21.2"
#: kubernetes.core's modules do not take Helm 4.
HELM_VERSION = "v3.21.4"
MODULE = "github.com/cert-manager/cert-manager"

CERT_MANAGER = GoModule(
    name="cert-manager",
    folder=Path(__file__).resolve().parent.parent / "kubernetes" / "go" / "cert-manager",
    packages=("./cmd/cert-manager", "helm.sh/helm/v3/cmd/helm"),
    definitions={f"{MODULE}/pkg/util.AppVersion": VERSION, "helm.sh/helm/v3/internal/version.version": HELM_VERSION},
)
#: The components, each an image as the chart names it. The fifth of the chart, of ACME, is never started here.
COMPONENTS = ("controller", "webhook", "cainjector", "startupapicheck")


@dataclass(frozen=True)
class CertManager:
    """images: archive of all images. chart: packaged chart. helm: the executable."""

    images: Path
    chart: Path
    helm: Path


def ensure_cert_manager(progress: Progress = quiet) -> CertManager:
    """Build what is missing: minutes the first time, milliseconds after that. Raises BuildError."""
    binaries = ensure_module(CERT_MANAGER, progress)
    found = _layout(binaries)
    if not found.images.exists():
        partial = found.images.with_name(f"{found.images.name}.{os.getpid()}")
        write_archive(partial, *_images(binaries / "cert-manager"))
        os.replace(partial, found.images)
    if not found.chart.exists():
        _package_chart(found, progress)
    return found


def built_cert_manager() -> CertManager | None:
    """What :func:`ensure_cert_manager` made, if it did; builds nothing."""
    found = _layout(CERT_MANAGER.built)
    return found if found.images.exists() and found.chart.exists() else None


def _layout(binaries: Path) -> CertManager:
    # What makes the archive decides it too.
    makers = hashlib.sha256(b"".join(Path(__file__).with_name(name).read_bytes()
                                     for name in ("cert_manager.py", "oci.py")))
    return CertManager(images=binaries / f"{makers.hexdigest()[:12]}-cert-manager.tar",
                       chart=binaries / f"cert-manager-{VERSION}.tgz", helm=binaries / "helm")


def _images(executable: Path) -> list[Image]:
    layer = {"cert-manager": Entry(executable.read_bytes(), 0o755), "tmp": Entry(None, 0o1777)}
    # The user is upstream's: the chart asks for runAsNonRoot and names none.
    return [Image(reference=f"quay.io/jetstack/cert-manager-{name}:{VERSION}", layers=(layer,), user="1000:1000",
                  entrypoint=("/cert-manager", name)) for name in COMPONENTS]


def _package_chart(found: CertManager, progress: Progress) -> None:
    """Package the chart of the Go module as its release does: unmodified, with the version set."""
    progress(None, "cert-manager: packaging its chart")
    go = ensure_go(required_version(CERT_MANAGER.folder / "go.mod"), progress)
    told = _run([str(go), "mod", "download", "-json", MODULE])
    folder = Path(json.loads(told)["Dir"]) / "deploy" / "charts" / "cert-manager"
    with tempfile.TemporaryDirectory(dir=found.chart.parent, prefix="packaging-") as temporary:
        _run([str(found.helm), "package", str(folder), "--version", VERSION, "--app-version", VERSION,
              "--destination", temporary])
        os.replace(Path(temporary) / found.chart.name, found.chart)


def _run(argv: list[str]) -> str:
    done = subprocess.run(argv, cwd=CERT_MANAGER.folder, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"{' '.join(argv[:3])} failed: {(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout

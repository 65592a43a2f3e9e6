# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image of Edge Microgateway: the engine from npm and Node from a Python wheel, laid out as the vendor's.

The vendor's entry point is a shell script before a command that is not to be had; the launcher stands for both.
"""
from __future__ import annotations

from pathlib import Path

from testbed.kubernetes.toolchain import Progress, quiet

from . import tls
from .oci import Entry, Image

NAME = "edge-microgateway"
REFERENCE = f"docker.io/gatewayops/{NAME}:1"
#: What the image is made of beside this module.
SOURCES = tuple(Path(__file__).parents[1] / "edge" / "engine" / name for name in ("launch.js", "package-lock.json"))
#: The vendor's user and group.
OWNER = 101
ROOT = "opt/apigee"


def image(progress: Progress = quiet) -> Image:
    """The image. Raises BuildError. 190 MB, of which Node is 120."""
    # It gets Node with what this package has, so that it cannot be imported while the package is.
    from testbed.edge.installation import ensure_engine

    engine = ensure_engine(progress)
    node = tls.ensure_root(tls.NODE.name, progress)
    folders = {f"{ROOT}/{name}": Entry(None, 0o755, owner=OWNER) for name in (".edgemicro", "logs", "plugins")}
    own = {
        ROOT: Entry(None, 0o755, owner=OWNER),
        f"{ROOT}/launch.js": Entry(engine.launcher.read_bytes(), 0o644, owner=OWNER),
        **folders,
        "etc/passwd": Entry(f"root:x:0:0:root:/:/bin/sh\napigee:x:{OWNER}:{OWNER}:apigee:/{ROOT}:/bin/sh\n".encode()),
        "etc/group": Entry(f"root:x:0:\napigee:x:{OWNER}:\n".encode()),
    }
    return Image(
        reference=REFERENCE,
        # The folder of the packages is the root of its layer.
        layers=(node, engine.folder, own),
        entrypoint=("/usr/local/bin/node", f"/{ROOT}/launch.js"),
        environment={"EDGEMICRO_ENGINE": "/", "NODE_ENV": "production"},
        user=f"{OWNER}:{OWNER}",
        working_folder=f"/{ROOT}",
        ports=(8000,),
    )

# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes images ahead of time and prints where their archives lie: ``python -m testbed.images tls-envoy tls-haproxy``.

Without names: those that every node has.
"""
from __future__ import annotations

import sys

from testbed.images import OPTIONAL, ensure_images
from testbed.kubernetes.build import show
from testbed.kubernetes.toolchain import BuildError


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in OPTIONAL]
    if unknown:
        print(f"no image {', '.join(unknown)}; there are {', '.join(OPTIONAL)}", file=sys.stderr)
        return 64
    try:
        archives = ensure_images(show, optional=names)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    for archive in archives:
        print(archive)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

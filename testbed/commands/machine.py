# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Whether this machine can run the testbed: everything that is missing at once, each with its remedy."""
from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

#: Command that shows that a package is there, and the Debian package that brings it.
TOOLS = {"ip": "iproute2", "nft": "nftables", "runc": "runc", "nsenter": "util-linux", "unshare": "util-linux",
         "umount": "mount"}
KERNEL = {"ns/net": "network namespaces (CONFIG_NET_NS)", "ns/pid": "process namespaces (CONFIG_PID_NS)",
          "ns/mnt": "mount namespaces"}
PYTHON = (3, 11)
#: Tools for root are often not on a user's path.
SEARCH = "/usr/sbin:/sbin:/usr/bin:/bin"


def missing(search: str | None = None, proc: Path = Path("/proc"), tools: Mapping[str, str] = TOOLS) -> list[str]:
    """Sentences, each naming one thing that is missing and how to get it; empty on a fit machine."""
    if platform.system() != "Linux":
        return [f"Linux: the testbed is made of namespaces, and this is {platform.system()}. Use a virtual machine."]
    found = []
    if sys.version_info < PYTHON:
        found.append(f"Python {PYTHON[0]}.{PYTHON[1]} or newer (this is {platform.python_version()}).")
    path = f"{os.environ.get('PATH', '')}:{SEARCH}" if search is None else search
    absent = {tool: package for tool, package in tools.items() if shutil.which(tool, path=path) is None}
    if absent:
        packages = " ".join(sorted(set(absent.values())))
        found.append(f"{', '.join(absent)}. Get them with: apt-get install --no-install-recommends {packages}")
    found += [f"a kernel with {what}." for name, what in KERNEL.items() if not (proc / "self" / name).exists()]
    if os.geteuid() != 0 and shutil.which("sudo", path=path) is None:
        found.append("root, or sudo to become it: namespaces and containers need it.")
    return found

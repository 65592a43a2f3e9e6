# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node's own view of the file system, made inside its private mount namespace.

Kubernetes has a few paths that no option moves (/var/log/containers, /run/containerd for shim sockets, /var/lib/cni).
Here they are the node's own, over the host's: the host sees none of it, and all of it is gone with the last process.
The settings of the kernel that kubelet insists on are shown to it as it wants them, while the host keeps its own.
"""
from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path

MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_SHARED = 2, 4, 4096, 16384, 1 << 20
#: Replaced by empty folders of the node's own.
HIDDEN = ("/run", "/var/lib", "/var/log")
#: What kubelet's container manager requires (pkg/kubelet/cm/container_manager_linux.go, setupKernelTunables).
KERNEL_SETTINGS = {
    "vm/overcommit_memory": "1", "vm/panic_on_oom": "0", "kernel/panic": "10", "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000", "kernel/keys/root_maxbytes": "25000000",
}

_libc = ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """mount(2). Raises OSError naming the target."""
    result = _libc.mount(os.fsencode(source), os.fsencode(target), kind.encode() if kind else None, flags,
                         options.encode() if options else None)
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"mount on {target}: {os.strerror(number)}")


def bind(source: Path | str, target: Path | str) -> None:
    """Show folder or file ``source`` at ``target`` too. Raises OSError."""
    mount(str(source), str(target), None, MS_BIND | MS_REC)


def replace_file(source: Path, target: Path) -> None:
    """Show ``source`` in the place of a file that the host may keep behind a link into a hidden folder.

    A host without the file keeps none: /etc is its own. Raises OSError.
    """
    real = Path(os.path.realpath(target))
    if not real.exists():
        if not any(real.is_relative_to(os.path.realpath(each)) for each in HIDDEN):
            return
        real.parent.mkdir(parents=True, exist_ok=True)
        real.touch()
    bind(source, real)


def prepare(binds: dict[Path, str], keep: Sequence[Path]) -> None:
    """Make the view. Call it inside the mount namespace only.

    binds: folder on disk -> where the node finds it, below one of :data:`HIDDEN`.
    keep: folders that must stay visible though they may lie below a hidden one (state, executables, Python).
    """
    handles = {folder: os.open(folder, os.O_PATH | os.O_CLOEXEC) for folder in {*keep, *binds}}
    hidden = [os.path.realpath(each) for each in HIDDEN]
    for folder in hidden:
        mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=50%")
    for folder in sorted(keep, key=lambda each: len(each.parts)):
        if any(folder.is_relative_to(each) for each in hidden) and not folder.exists():
            folder.mkdir(parents=True)
            bind(f"/proc/self/fd/{handles[folder]}", folder)
    for folder, target in binds.items():
        Path(target).mkdir(parents=True, exist_ok=True)
        bind(f"/proc/self/fd/{handles[folder]}", target)
    for handle in handles.values():
        os.close(handle)
    # Volumes that ask for mount propagation need shared mounts; the peer group begins and ends in this namespace.
    mount("none", "/", None, MS_REC | MS_SHARED)
    _show_kernel_settings(Path("/run/testbed/kernel"))


def _show_kernel_settings(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in KERNEL_SETTINGS.items():
        shown = folder / name.replace("/", ".")
        shown.write_text(value + "\n", encoding="ascii")
        bind(shown, Path("/proc/sys") / name)


def file_system(path: Path, mountinfo: str | None = None) -> str:
    """Type of the file system that holds ``path``, from /proc/self/mountinfo."""
    text = Path("/proc/self/mountinfo").read_text(encoding="utf-8") if mountinfo is None else mountinfo
    best, found = "", ""
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        point = before.split()[4]
        if len(point) >= len(best) and path.is_relative_to(point):
            best, found = point, after.split()[0]
    return found

# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts, finds again and stops a node: one process tree in a network namespace, one folder of state.

The tree is ``unshare`` with private mounts and pids around supervisor.py. It does not depend on the process that
started it: after a crash of the daemon, :func:`start` finds the running node again and returns at once. A node that
was stopped with ``keep`` resumes with its objects (etcd); its containers are made anew, as on a node that got a new
disk.
"""
from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from testbed.images import ensure_images
from testbed.network.namespace import Namespace
from testbed.state import write_private

from . import certificates, cgroups, configuration, mounts
from .build import ensure_binaries, missing_tools
from .components import Layout
from .identities import client_files
from .network_policy.rules import REMOVAL
from .spec import LOCAL_RESOLVER, NodeAccess, NodeError, NodeSpec
from .toolchain import BuildError, Progress, quiet

TIMEOUT = 120.0
POLL = 0.03
#: Counted on a running node (20), with some room for what its pods' runtimes use for a moment.
INOTIFY_INSTANCES = 24
INOTIFY_PATIENCE = 30.0
#: Children of this process, kept so that they are collected when they end: pid of ``unshare`` -> its handle.
_children: dict[int, subprocess.Popen[bytes]] = {}


async def start(spec: NodeSpec, namespace: Namespace, state: Path, progress: Progress = quiet) -> NodeAccess:
    """Make the node run as the spec says, and return when it is ready for a pod.

    The namespace must hold ``spec.node_ip`` already. A node that runs with an equal spec is left as it is; one that
    runs with another spec is stopped and resumed with the new one. Raises NodeError, after which nothing of the node
    runs; its logs are kept.
    """
    began = time.monotonic()
    layout = Layout(Path(os.path.realpath(state)))
    try:
        binaries = await asyncio.to_thread(ensure_binaries, progress)
        images = await asyncio.to_thread(ensure_images, progress)
    except BuildError as error:
        raise NodeError(str(error)) from error
    if _running(layout) and _same(layout, spec) and _status(layout).get("phase") == "ready":
        return _access(spec, layout, binaries, 0.0)
    if missing := await asyncio.to_thread(missing_tools):
        raise NodeError(f"needed on this machine: apt-get install {' '.join(missing)}")
    await stop(layout.state, keep=True)
    try:
        await asyncio.to_thread(_write_files, spec, layout, binaries)
        await asyncio.to_thread(_prepare_host, spec, namespace)
        _launch(spec, namespace, layout, binaries, [*map(str, images), *spec.images])
        await _wait(layout)
    except (NodeError, OSError, subprocess.SubprocessError, asyncio.CancelledError) as error:
        await stop(layout.state, keep=True)
        if isinstance(error, (NodeError, asyncio.CancelledError)):
            raise
        raise NodeError(f"node {spec.name}: {error}") from error
    return _access(spec, layout, binaries, time.monotonic() - began)


async def stop(state: Path, keep: bool = False) -> None:
    """End the node's whole tree, remove its control group, and its folder unless ``keep``.

    Idempotent, and needs no more than the folder: it also ends a node that an earlier process started.
    """
    layout = Layout(Path(os.path.realpath(state)))
    await asyncio.to_thread(_end_tree, layout)
    with contextlib.suppress(FileNotFoundError):
        cgroup = NodeSpec.from_json(layout.spec_file.read_text(encoding="utf-8")).cgroup
        await asyncio.to_thread(cgroups.remove, cgroup)
    layout.process_file.unlink(missing_ok=True)
    await asyncio.to_thread(shutil.rmtree, layout.disposable if keep else layout.state, True)


async def add_images(access: NodeAccess, archives: Sequence[Path]) -> None:
    """Give a node that runs the images of these archives; those it has already cost a moment.

    The archives lie where those of its start do. Raises NodeError.
    """
    inside = ["nsenter", "--target", str(access.pid), "--mount", "--"]
    for archive in archives:
        argv = [*inside, *configuration.importing(access.binaries, str(archive))]
        done = await asyncio.to_thread(subprocess.run, argv, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NodeError(f"node {access.name}: image {archive} was not imported: {done.stderr.strip()}")


def status(state: Path) -> dict[str, Any]:
    """``phase`` (stopped, starting, ready, failed), ``message`` and ``moments`` (seconds since the start)."""
    layout = Layout(Path(os.path.realpath(state)))
    if not _running(layout):
        return {"phase": "stopped", "message": "the node does not run", "moments": {}}
    return _status(layout)


# -- files ----------------------------------------------------------------------------------------------------
def _write_files(spec: NodeSpec, layout: Layout, binaries: Path) -> None:
    """Everything the components read, from the spec alone."""
    for folder in (layout.state, layout.configuration, layout.cni, layout.etcd, layout.logs, layout.disposable,
                   layout.disposable / "kubelet", layout.disposable / "containerd"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    layout.status_file.unlink(missing_ok=True)
    certificates.prepare(spec, layout.certificates)
    folder = layout.configuration

    def config(client: str, server: str) -> str:
        return configuration.kubeconfig(client_files(layout.certificates, client, server), cluster=spec.name,
                                        user=client)

    local = "https://127.0.0.1:6443"
    files: dict[Path, str] = {
        folder / "kubelet.kubeconfig": config("kubelet", local),
        folder / "kube-proxy.kubeconfig": config("kube-proxy", local),
        folder / "kube-scheduler.kubeconfig": config("scheduler", local),
        folder / "kube-controller-manager.kubeconfig": config("controller-manager", local),
        layout.admin_kubeconfig: config("admin", spec.admin_server),
        layout.node_kubeconfig: config("admin", spec.node_server),
        folder / "kubelet.json": json.dumps(
            configuration.kubelet(spec, layout.certificates, cgroups.version()), indent=1),
        folder / "kube-proxy.json": json.dumps(
            configuration.kube_proxy(spec, folder / "kube-proxy.kubeconfig"), indent=1),
        folder / "containerd.toml": configuration.containerd(
            binaries=binaries, cni=layout.cni, snapshotter=_snapshotter(layout)),
        layout.cni / "10-pods.conflist": json.dumps(configuration.cni(spec), indent=1),
        folder / "Corefile": configuration.coredns(spec, client_files(layout.certificates, "dns", local)),
        layout.spec_file: spec.to_json(),
    }
    if spec.token_review_url:
        files[folder / "token-review.json"] = configuration.token_review_webhook(spec.token_review_url)
    for path, text in files.items():
        write_private(path, text)


def _snapshotter(layout: Layout) -> str:
    """overlayfs, except where the disk is an overlay itself (in a container): those cannot be stacked for writing."""
    return "native" if mounts.file_system(layout.state) == "overlay" else "overlayfs"


# -- host -----------------------------------------------------------------------------------------------------
def _prepare_host(spec: NodeSpec, namespace: Namespace) -> None:
    if f" {spec.node_ip}/" not in namespace.run(["ip", "-4", "-o", "address", "show"]):
        raise NodeError(f"{namespace.name} has no interface with the node's address {spec.node_ip}")
    if spec.cluster_dns == "local":
        namespace.run(["ip", "address", "replace", f"{LOCAL_RESOLVER}/32", "dev", "lo"])
    # What an earlier life enforced: this one may be asked for none, and says otherwise when it has read the policies.
    namespace.run(["nft", "-f", "-"], input=REMOVAL)
    _wait_for_inotify()
    try:
        cgroups.create(spec.cgroup)
    except OSError as error:
        raise NodeError(f"cannot make control group {spec.cgroup}: {error}. The testbed needs root and a writable "
                        f"{cgroups.MOUNT}") from error


def _wait_for_inotify() -> None:
    """Return when the kernel lets this user have as many inotify instances more as a node uses.

    Without them some component ends with "too many open files", which says nothing about why. Nodes that are just
    ending give theirs back, so a shortage is waited out for a while. Raises NodeError after that.
    """
    deadline = time.monotonic() + INOTIFY_PATIENCE
    while not _inotify_is_free():
        if time.monotonic() < deadline:
            time.sleep(0.5)
            continue
        raise NodeError(f"a node needs {INOTIFY_INSTANCES} inotify instances and the kernel gives no more (sysctl "
                        "fs.inotify.max_user_instances): end a cluster or another testbed, or raise that limit")


def _inotify_is_free() -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    handles = [libc.inotify_init1(os.O_CLOEXEC) for _each in range(INOTIFY_INSTANCES)]
    for handle in handles:
        if handle >= 0:
            os.close(handle)
    return -1 not in handles


def _launch(spec: NodeSpec, namespace: Namespace, layout: Layout, binaries: Path, images: list[str]) -> None:
    package = Path(__file__).resolve().parent.parent.parent
    argv = namespace.entering([
        "unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "--",
        sys.executable, "-m", "testbed.kubernetes.supervisor", str(layout.state), str(binaries), *images])
    environment = {"PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin", "PYTHONPATH": str(package),
                   "PYTHONDONTWRITEBYTECODE": "1", "LANG": "C.UTF-8"}
    with open(layout.logs / "supervisor.log", "ab") as log:
        process = subprocess.Popen(argv, cwd="/", env=environment, stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=subprocess.STDOUT, start_new_session=True)
    _children[process.pid] = process
    write_private(layout.process_file, json.dumps({"pid": process.pid, "started": _start_time(process.pid)}))


async def _wait(layout: Layout) -> None:
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        found = _status(layout)
        if found.get("phase") == "ready":
            return
        if found.get("phase") == "failed":
            raise NodeError(f"{found['message']} (logs: {layout.logs})")
        if not _running(layout):
            raise NodeError(f"the node ended while it started (logs: {layout.logs}): {_tail(layout)}")
        await asyncio.sleep(POLL)
    raise NodeError(f"the node was not ready within {TIMEOUT:.0f} s: {_status(layout)} (logs: {layout.logs})")


def _tail(layout: Layout) -> str:
    with contextlib.suppress(OSError):
        lines = (layout.logs / "supervisor.log").read_text(encoding="utf-8", errors="replace").splitlines()
        return " | ".join(lines[-3:])
    return ""


def _access(spec: NodeSpec, layout: Layout, binaries: Path, seconds: float) -> NodeAccess:
    process = _process(layout)
    return NodeAccess(
        name=spec.name, node_ip=spec.node_ip, api_port=6443,
        ca_certificate_pem=(layout.certificates / "ca.crt").read_text(encoding="ascii"), binaries=binaries,
        admin_kubeconfig=layout.admin_kubeconfig, node_kubeconfig=layout.node_kubeconfig,
        dns_client=client_files(layout.certificates, "dns", spec.node_server), logs=layout.logs,
        pid=process["pid"] if process else 0, seconds=round(seconds, 2))


# -- the process tree -----------------------------------------------------------------------------------------
def _start_time(pid: int) -> str:
    """When the process started, in the kernel's ticks: with the pid it names one process for ever (until reboot)."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    return stat.rpartition(")")[2].split()[19]


def _process(layout: Layout) -> dict[str, Any] | None:
    """The recorded process, if it is still that very process and not a zombie."""
    try:
        record = json.loads(layout.process_file.read_text(encoding="utf-8"))
        stat = Path(f"/proc/{record['pid']}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (OSError, ValueError, KeyError):
        return None
    if stat[19] != record["started"] or stat[0] in "ZX":
        return None
    return record


def _running(layout: Layout) -> bool:
    return _process(layout) is not None


def _same(layout: Layout, spec: NodeSpec) -> bool:
    try:
        return layout.spec_file.read_text(encoding="utf-8") == spec.to_json()
    except OSError:
        return False


def _status(layout: Layout) -> dict[str, Any]:
    try:
        return json.loads(layout.status_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _end_tree(layout: Layout, timeout: float = 20.0) -> None:
    """Kill process 1 of the node. ``unshare`` waits for it, and the kernel lets it end only after every other process
    of its pid namespace: when ``unshare`` is gone, all are. Raises NodeError if that takes longer than the timeout."""
    record = _process(layout)
    if record is None:
        return
    pid: int = record["pid"]
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(child), signal.SIGKILL)
    deadline = time.monotonic() + timeout
    asked = False
    while _process(layout) is not None:
        if (handle := _children.get(pid)) is not None:
            handle.poll()
        if not asked and time.monotonic() > deadline - timeout / 2:
            asked = True  # it had no child yet; --kill-child ends one that appears now
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise NodeError(f"process {pid} of the node does not end")
        time.sleep(0.02)
    if (handle := _children.pop(pid, None)) is not None:
        handle.wait()

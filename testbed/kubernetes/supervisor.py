# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Process 1 of a node's pid namespace: starts the components in order, reaps, and reports through a file.

Run as ``python -m testbed.kubernetes.supervisor STATE BINARIES IMAGE...`` by node.py. It restarts nothing: a component
that ends is a fault to be seen, and says so in ``status.json``. When this process dies the kernel ends every other
process of the namespace.
"""
from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from testbed.state import write_private

from . import bootstrap, configuration, mounts
from .client import ApiClient, ApiError
from .components import AT_ONCE, WITH_API_SERVER, Component, Layout, components
from .identities import client_files
from .spec import API_PORT, NodeSpec

PAUSE = 0.05
PACKAGE = Path(__file__).resolve().parent.parent


class Supervisor:
    """See the module's text. ``moments`` are seconds since the start, for people who measure."""

    def __init__(self, layout: Layout, binaries: Path, images: Sequence[str]) -> None:
        self.layout = layout
        self.binaries = binaries
        self.images = images
        self.spec = NodeSpec.from_json(layout.spec_file.read_text(encoding="utf-8"))
        self.components = components(self.spec, layout)
        self.began = time.monotonic()
        self.since = float(int(time.time()))
        self.moments: dict[str, float] = {}
        self.failed = False
        # Images are imported beside the components' start, and both report.
        self._reporting = threading.RLock()
        self._changed = threading.Condition()
        self._running: dict[int, str] = {}
        self._ended: dict[int, int] = {}

    # -- reporting --------------------------------------------------------------------------------------------
    def moment(self, name: str) -> None:
        with self._reporting:
            self.moments[name] = round(time.monotonic() - self.began, 2)
            self._report("starting", name)

    def _report(self, phase: str, message: str) -> None:
        with self._reporting:
            if self.failed:
                return
            self.failed = phase == "failed"
            status: dict[str, Any] = {"phase": phase, "message": message, "moments": self.moments}
            write_private(self.layout.status_file, json.dumps(status, indent=1))

    def fail(self, message: str) -> None:
        print(message, flush=True)
        self._report("failed", message)

    # -- processes --------------------------------------------------------------------------------------------
    def _spawn(self, name: str, argv: Sequence[str]) -> int:
        log = self.layout.logs / f"{name}.log"
        environment = {"PATH": f"{self.binaries}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                       "HOME": "/run/testbed", "LANG": "C.UTF-8",
                       "PYTHONPATH": str(PACKAGE.parent), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
        with self._changed:
            pid = os.posix_spawn(
                argv[0], argv, environment, setsid=True, setsigmask=[],
                file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                              (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                              (os.POSIX_SPAWN_DUP2, 1, 2)])
            self._running[pid] = name
        return pid

    def run(self, name: str, argv: Sequence[str]) -> int:
        """Run a short command to its end; its exit status. Its output goes to its log."""
        pid = self._spawn(name, argv)
        with self._changed:
            self._changed.wait_for(lambda: pid in self._ended)
            return self._ended.pop(pid)

    def reap(self) -> None:
        """Collect every process that ends, for ever: orphans of containers come to process 1 too."""
        names = {component.name for component in self.components}
        while True:
            try:
                pid, status = os.waitpid(-1, 0)
            except ChildProcessError:
                time.sleep(PAUSE)
                continue
            with self._changed:
                name = self._running.pop(pid, None)
                if name is None:
                    continue
                self._ended[pid] = os.waitstatus_to_exitcode(status)
                self._changed.notify_all()
            if name in names:
                self.fail(f"{name} ended with status {self._ended[pid]}: {self.last_line(name)}")

    def last_line(self, name: str) -> str:
        """The last line of a component's log, which tells most often why it ended."""
        try:
            lines = (self.layout.logs / f"{name}.log").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return "no log"
        return next((line.strip()[:500] for line in reversed(lines) if line.strip()), "empty log")

    # -- the start --------------------------------------------------------------------------------------------
    def prepare(self) -> None:
        disposable = self.layout.disposable
        binds = {disposable / "kubelet": configuration.KUBELET_ROOT, disposable / "containerd": "/var/lib/containerd",
                 self.layout.logs: "/var/log"}
        mounts.prepare(binds, keep=[self.layout.state, self.binaries, PACKAGE.parent, Path(sys.prefix),
                                    Path(sys.base_prefix), *(Path(each).parent for each in self.images)])
        resolvers = Path("/run/testbed/resolv.conf")
        resolvers.write_text(configuration.resolv_conf(self.spec), encoding="utf-8")
        # The host's name servers cannot be reached from here: containerd would wait for them at each unknown image.
        mounts.replace_file(resolvers, Path("/etc/resolv.conf"))
        # /proc/sys/net shows this process's network namespace: the node routes for its pods, the host is not asked.
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1", encoding="ascii")

    def launch(self, component: Component) -> None:
        program = component.program or (str(self.binaries / component.name),)
        self._spawn(component.name, [*program, *component.flags])

    def import_images(self) -> None:
        """Give containerd its images: kubelet backs off for half a minute when the pause image is missing."""
        self._wait(self._containerd_answers, "containerd")
        self.moment("containerd")
        for image in self.images:
            status = self.run("images", configuration.importing(self.binaries, image))
            if status != 0:
                raise OSError(f"image {image} was not imported: {self.last_line('images')}")
        self.moment("images")

    def bring_up(self) -> None:
        """From the first component to a node that can run a pod."""
        images = threading.Thread(target=self._guarded, args=(self.import_images,), daemon=True)
        for component in self.components:
            if component.moment == AT_ONCE:
                self.launch(component)
        images.start()
        self._wait(lambda: self._port_open(API_PORT), "the API server's port")
        self.moment("api port")
        files = client_files(self.layout.certificates, "admin", f"https://127.0.0.1:{API_PORT}")
        client = ApiClient(files)
        self._wait(lambda: client.get("/readyz") == "ok", "the API server")
        self.moment("api server")
        for component in self.components:
            if component.moment == WITH_API_SERVER:
                self.launch(component)
        bootstrap.apply(client, self.spec)
        self.moment("bootstrap")
        self._wait(lambda: self.node_is_ready(client), "the node")
        images.join()
        self.moment("node")
        self._report("ready", "the node is ready")

    def node_is_ready(self, client: ApiClient) -> bool:
        lacking = bootstrap.missing(client, self.spec, self.since)
        if lacking:
            self._report("starting", lacking)
        return lacking is None

    def _wait(self, test: Callable[[], bool], what: str, timeout: float = 120.0) -> None:
        deadline = time.monotonic() + timeout
        reason = "no answer"
        while time.monotonic() < deadline:
            try:
                if test():
                    return
            except (OSError, ApiError) as error:
                reason = str(error)
            time.sleep(PAUSE)
        raise TimeoutError(f"{what} was not ready within {timeout:.0f} s: {reason}")

    @staticmethod
    def _port_open(port: int) -> bool:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True

    @staticmethod
    def _containerd_answers() -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(configuration.CONTAINERD_SOCKET)
        return True

    def _guarded(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # whatever it was, the reader of the status file must learn of it
            self.fail(f"{type(error).__name__}: {error}")

    def main(self) -> None:
        self.prepare()
        self.moment("mounts")
        threading.Thread(target=self._guarded, args=(self.bring_up,), daemon=True).start()
        self.reap()


def main(arguments: Sequence[str]) -> None:
    state, binaries, *images = arguments
    # Process 1 ignores signals without a handler; SIGTERM from a person should end the node.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    supervisor = Supervisor(Layout(Path(state)), Path(binaries), images)
    try:
        supervisor.main()
    except Exception as error:
        supervisor.fail(f"{type(error).__name__}: {error}")
        raise


if __name__ == "__main__":
    main(sys.argv[1:])

# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs an engine as its container would: its own image's files read-only, no privileges, first process of its own
process namespace, memory for a work folder. Only the network is the machine's: every sidecar has a port on loopback.
"""
from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import tempfile
from pathlib import Path

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.engines import contract
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.engines.registry import ENGINES

from testbed.images import tls
from testbed.ports import free_port

USER = 65532
DEFAULTS = {"protocol": "http", "client": "off", "http2": "true", "tls-minimum": "1.2", "access-log": "off",
            "metrics": "off"}

_ENTER = r"""
set -e
image=$1 certificate=$2 authorities=$3 script=$4 root=$5
mount --bind "$image" "$root"
mount -o remount,bind,ro "$root"
mount -t tmpfs -o size=16m,mode=1777 tmpfs "$root/tmp"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=755 tmpfs "$root/var/run/tls-sidecar"
mkdir "$root/var/run/tls-sidecar/certificate" "$root/var/run/tls-sidecar/client-ca"
mount --bind "$certificate" "$root/var/run/tls-sidecar/certificate"
mount --bind "$authorities" "$root/var/run/tls-sidecar/client-ca"
exec chroot --userspec=65532:65532 "$root" /bin/sh -c "$script"
"""


class Sidecar:
    """One running engine. ``settings`` go by :data:`contract.SELECTORS`, ``values`` by :data:`contract.VALUES`."""

    def __init__(self, engine: str, certificate: Path, application_port: int, client_ca: Path | None = None,
                 values: dict[str, str] | None = None, **settings: str) -> None:
        self.engine: contract.Engine = ENGINES[engine]
        self.port = free_port(contract.administration_port)
        self.certificate, self.client_ca = certificate, client_ca or certificate
        self.selected = {**DEFAULTS, **{name.replace("_", "-"): value for name, value in settings.items()}}
        self.values = {
            "service": "orders", "port": str(self.port), "application-address": "127.0.0.1",
            "application-port": str(application_port), "client-names": "", "drain-seconds": "5", "idle-seconds": "75",
            "request-seconds": "60", "application-idle-seconds": "4", "metrics-port": "",
            "administration-port": str(contract.administration_port(self.port)),
            "certificate-folder": contract.CERTIFICATE_FOLDER, "client-ca-folder": contract.CLIENT_CA_FOLDER,
            "work-folder": contract.WORK_FOLDER, **(values or {})}
        self._process: subprocess.Popen | None = None
        self._told = bytearray()

    def _render(self, text: str) -> str:
        return self.engine.render(text, self.selected, self.values)

    @property
    def environment(self) -> dict[str, str]:
        return {name: self._render(text) for name, text in self.engine.environment.items()}

    def launch(self, script: str | None = None, environment: dict[str, str] | None = None) -> subprocess.Popen:
        """Start the container's command, or another script in its place."""
        assert self.engine.command[:2] == ("/bin/sh", "-c")
        reading, writing = os.pipe()
        # As runc does, so that a server may open its own /proc/self/fd/2.
        os.fchown(writing, USER, USER)
        try:
            return subprocess.Popen(
                ["unshare", "--mount", "--pid", "--fork", "--kill-child", "/bin/sh", "-c", _ENTER, "enter",
                 str(tls.ensure_root(self.engine.name)), str(self.certificate), str(self.client_ca),
                 self._render(self.engine.command[2]) if script is None else script,
                 # Beside the certificate, in the test's own folder, which is removed with it.
                 tempfile.mkdtemp(prefix="root-", dir=self.certificate.parent)],
                stdin=subprocess.DEVNULL, stdout=writing, stderr=writing,
                env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                     **(self.environment if environment is None else environment)})
        finally:
            os.close(writing)
            self._reading = reading

    def start(self, script: str | None = None, environment: dict[str, str] | None = None) -> Sidecar:
        self._process = self.launch(script, environment)
        return self

    async def ready(self, seconds: float = 20) -> Sidecar:
        """Wait until the port accepts connections."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                return self
            except OSError:
                if asyncio.get_running_loop().time() > deadline or not self.running:
                    raise AssertionError(f"{self.engine.name} does not listen: {self.told}") from None
                await asyncio.sleep(0.02)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def told(self) -> str:
        """What it wrote on its two streams until now."""
        os.set_blocking(self._reading, False)
        try:
            while more := os.read(self._reading, 65536):
                self._told += more
        except BlockingIOError:
            pass
        return self._told.decode(errors="replace")

    @property
    def first_process(self) -> int:
        """The machine's number of the container's first process."""
        parent = self._process.pid
        (child,) = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
        return int(child)

    def execute(self, *command: str) -> subprocess.Popen:
        """Run a command in the container, as hooks and probes do."""
        return subprocess.Popen(
            ["nsenter", "--target", str(self.first_process), "--mount", "--pid", "--root", "--wd=/",
             "--setuid", str(USER), "--setgid", str(USER), *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"})

    def drain(self) -> subprocess.Popen:
        """Run the preStop command; it ends with the window."""
        return self.execute(*(self._render(part) for part in self.engine.drain))

    def probe(self) -> bool:
        """Whether the readiness command succeeds, where that is how the engine is probed."""
        found = self.engine.probes[self.selected["protocol"], self.selected["client"]]
        return self.execute(*(self._render(part) for part in found.command)).wait() == 0

    def terminate(self) -> None:
        """What the kubelet sends once the preStop command has ended."""
        os.kill(self.first_process, signal.SIGTERM)

    async def ended(self, seconds: float) -> int:
        """Exit status; fails when it has none after so many seconds."""
        return await asyncio.wait_for(asyncio.to_thread(self._process.wait), seconds)

    def stop(self) -> None:
        """End it and everything it started, whatever state it is in."""
        if self._process:
            # The first process takes all others with it. It no longer dies with its parent: it changed its user.
            with contextlib.suppress(OSError, ValueError):
                os.kill(self.first_process, signal.SIGKILL)
            self._process.kill()
            self._process.wait()
            os.close(self._reading)
            self._process = None

# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Cloud DNS of the VPC: CoreDNS at 169.254.169.254 in the VPC's namespace.

It answers for the private zones that users made and for the domains of clusters that publish into the VPC; any other
name does not exist. Cluster names are read live from the API server, so that an answer changes at the moment at which
a pod becomes ready or goes. Nothing is cached: the TTL says how long others may.
"""
from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import dns.exception
import dns.message
import dns.name
import dns.rdata
import dns.rdatatype

from testbed import processes
from testbed.network.firewall import RESOLVER
from testbed.network.namespace import Namespace
from testbed.world import WorldError, Zone

#: TTL in seconds of names that a cluster publishes (Google Cloud blog, 8 June 2022; gke-dns-path.md 1.6).
CLUSTER_TTL = 10
#: Says which configuration is in force; asked only by :meth:`Resolver.apply`.
GENERATION = "generation.testbed.internal"
READY_TIMEOUT = 20.0
#: So that one which cannot start does not keep a core busy.
RESTART_PAUSE = 0.5

log = logging.getLogger("testbed.resolver")


@dataclass(frozen=True)
class ClusterZone:
    """A cluster's domain as seen in the VPC. ``headless_only`` is additive scope."""

    domain: str
    api_server: str
    ca_file: Path
    certificate_file: Path
    key_file: Path
    service_range: str
    headless_only: bool = False


@dataclass(frozen=True)
class View:
    """What the machines of one network see, answered at an address of its own: private zones are private."""

    address: str
    zones: tuple[Zone, ...] = ()
    clusters: tuple[ClusterZone, ...] = ()


def corefile(views: Sequence[View], paths: Mapping[Zone, Path], generation: int) -> str:
    """CoreDNS's configuration; ``paths`` are the zone files. What no view knows does not exist."""
    blocks = [
        f"{GENERATION}:53 {{\n    bind {RESOLVER}\n    template IN TXT {{\n"
        f"        answer \"{{{{ .Name }}}} 0 IN TXT {generation}\"\n    }}\n}}\n",
    ]
    for address in (RESOLVER, *(view.address for view in views)):
        blocks.append(f".:53 {{\n    bind {address}\n    errors\n    template ANY ANY {{\n"
                      "        rcode NXDOMAIN\n    }\n}\n")
    for view in views:
        blocks += _view(view, paths)
    return "\n".join(blocks)


def _view(view: View, paths: Mapping[Zone, Path]) -> list[str]:
    """Server blocks. Of two zones with one name the user's own wins, then the first cluster's."""
    blocks = []
    taken: set[str] = set()
    for zone in view.zones:
        name = zone.dns_name.rstrip(".").lower()
        if name not in taken:
            taken.add(name)
            blocks.append(f"{name}:53 {{\n    bind {view.address}\n    errors\n    file {paths[zone]} {{\n"
                          f"        reload 0\n    }}\n    loadbalance round_robin\n}}\n")
    for cluster in view.clusters:
        name = cluster.domain.rstrip(".").lower()
        if name in taken:
            continue
        taken.add(name)
        only = f"    headlessonly {cluster.service_range}\n" if cluster.headless_only else ""
        blocks.append(
            f"{name}:53 {{\n    bind {view.address}\n    errors\n    loadbalance round_robin\n{only}"
            f"    kubernetes {name} {{\n        endpoint {cluster.api_server}\n"
            f"        tls {cluster.certificate_file} {cluster.key_file} {cluster.ca_file}\n"
            f"        pods disabled\n        ttl {CLUSTER_TTL}\n    }}\n}}\n")
    return blocks


def zone_file(zone: Zone, serial: int) -> str:
    """A private zone in zone-file form; SOA and NS are made where the user's records lack them."""
    origin = zone.dns_name if zone.dns_name.endswith(".") else zone.dns_name + "."
    lines = [f"$ORIGIN {origin}"]
    types = {kind for name, kind, _ttl, _data in zone.records if name.rstrip(".") == origin.rstrip(".")}
    if "SOA" not in types:
        lines.append(f"{origin} 300 IN SOA ns-gcp-private.googledomains.com. "
                     f"cloud-dns-hostmaster.google.com. {serial} 21600 3600 259200 300")
    if "NS" not in types:
        lines.append(f"{origin} 21600 IN NS ns-gcp-private.googledomains.com.")
    for name, kind, ttl, data in zone.records:
        lines += [f"{name} {ttl} IN {kind} {value}" for value in data if _is_valid(name, kind, value)]
    return "\n".join(lines) + "\n"


def _is_valid(name: str, kind: str, value: str) -> bool:
    """Whether a record can be served: one that cannot must not take the whole resolver with it."""
    try:
        dns.name.from_text(name)
        dns.rdata.from_text("IN", kind, value, origin=dns.name.root, relativize=False)
    except (dns.exception.DNSException, ValueError) as error:
        log.error("record %s %s is left out: %s", name, kind, error)
        return False
    return True


class Resolver:
    """The CoreDNS process of the VPC."""

    def __init__(self, vpc: Namespace, binary: Path, folder: Path, log: Path) -> None:
        self._vpc = vpc
        self._binary = binary
        self._folder = folder
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._generation = 0
        self._started = 0
        self._applied: tuple[View, ...] | None = None

    async def apply(self, views: Sequence[View]) -> None:
        """Answer from exactly these; returns when it does. Raises WorldError when CoreDNS refuses.

        A reload hands the listening sockets over, so no question is lost.
        """
        wanted = tuple(self._with_own_credentials(view) for view in views)
        running = self._process is not None and self._process.returncode is None
        if running and wanted == self._applied:
            return
        self._generation += 1
        self._write(wanted)
        if self._watch is None:
            await self._start()
            self._watch = asyncio.create_task(self._keep())
        elif running:
            assert self._process is not None
            self._process.send_signal(signal.SIGUSR1)
        # Else it has just ended by itself, and what keeps it starts it with what was written.
        await self._wait()
        self._applied = wanted

    def _with_own_credentials(self, view: View) -> View:
        """The view with its clusters' certificates under names that say their content.

        CoreDNS's client keeps what it has read from a file for minutes, whatever a reload says; a new cluster in the
        place of an old one would stay unknown to it.
        """
        return replace(view, clusters=tuple(
            replace(cluster, **{name: self._copy(getattr(cluster, name))
                                for name in ("certificate_file", "key_file", "ca_file")})
            for cluster in view.clusters))

    def _copy(self, file: Path) -> Path:
        content = Path(file).read_bytes()
        self._folder.mkdir(parents=True, exist_ok=True)
        copy = self._folder / f"{hashlib.sha256(content).hexdigest()[:16]}{Path(file).suffix}"
        if not copy.exists():
            copy.touch(0o600)
            copy.write_bytes(content)
        return copy

    async def stop(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if self._process is not None:
            await processes.end_child(self._process)
        self._process = None
        self._applied = None

    def _write(self, views: tuple[View, ...]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        paths: dict[Zone, Path] = {}
        for zone in dict.fromkeys(zone for view in views for zone in view.zones):
            # A name of its own for each content: what CoreDNS reads now is not changed under its hands.
            paths[zone] = self._folder / f"{len(paths)}-{self._generation}.zone"
            paths[zone].write_text(zone_file(zone, self._generation), encoding="utf-8")
        (self._folder / "Corefile").write_text(corefile(views, paths, self._generation), encoding="utf-8")
        for old in set(self._folder.glob("*.zone")) - set(paths.values()):
            old.unlink()
        used = {file for view in views for cluster in view.clusters
                for file in (cluster.certificate_file, cluster.key_file, cluster.ca_file)}
        for old in {*self._folder.glob("*.crt"), *self._folder.glob("*.key")} - used:
            old.unlink()

    async def _start(self) -> None:
        argv = self._vpc.entering([str(self._binary), "-conf", str(self._folder / "Corefile")])
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *argv, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder)
        self._started = self._generation

    async def _keep(self) -> None:
        """Start CoreDNS again when it ends by itself."""
        while self._process is not None:
            code = await self._process.wait()
            log.error("the VPC's resolver ended with %s and is started again", code)
            await asyncio.sleep(RESTART_PAUSE)
            await self._start()

    async def _wait(self) -> None:
        deadline = time.monotonic() + READY_TIMEOUT
        while time.monotonic() < deadline:
            ended = self._process is None or self._process.returncode is not None
            if ended and self._started == self._generation:
                raise WorldError(f"the VPC's resolver ended: {self._last_line()}")
            if await self._generation_in_force() == self._generation:
                return
            await asyncio.sleep(0.03)
        raise WorldError(f"the VPC's resolver did not take its new zones: {self._last_line()}")

    async def _generation_in_force(self) -> int | None:
        query = dns.message.make_query(GENERATION, dns.rdatatype.TXT)
        with contextlib.suppress(OSError, dns.exception.DNSException, asyncio.TimeoutError, ValueError, IndexError):
            loop = asyncio.get_running_loop()
            with self._vpc.udp(RESOLVER, 0) as sock:
                await loop.sock_connect(sock, (RESOLVER, 53))
                await loop.sock_sendall(sock, query.to_wire())
                wire = await asyncio.wait_for(loop.sock_recv(sock, 4096), 1.0)
            return int(dns.message.from_wire(wire).answer[0][0].strings[0])
        return None

    def _last_line(self) -> str:
        with contextlib.suppress(OSError, IndexError):
            return self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1]
        return f"see {self._log}"

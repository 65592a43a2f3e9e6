# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Where a testbed lives: its folder, its instance id, the names and loopback addresses that follow from it.

Many testbeds can run side by side. Everything one of them makes on the host carries its instance id, which is
derived from the path of its folder, so that any process that knows the folder knows every name and address.
"""
from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = "apigee-gke-testbed"
PROJECT = "acme-shop"
PROJECT_NUMBER = "123456789012"
OTHER_PROJECT = "other-team"

EMULATOR_PORT = 8080
NORTHBOUND_PORT = 443
API_SERVER_PORT = 443
GCLOUD_PROXY_PORT = 3128
MAX_CLUSTERS = 200
MAX_INSTANCES = 40


def home_folder() -> Path:
    """The testbed's folder: ``TESTBED_HOME``, else a folder below the XDG state directory."""
    return _folder("TESTBED_HOME", "XDG_STATE_HOME", "~/.local/state")


def cache_folder() -> Path:
    """What is built once and kept: ``TESTBED_CACHE``, else a folder below the XDG cache directory."""
    return _folder("TESTBED_CACHE", "XDG_CACHE_HOME", "~/.cache")


def _folder(variable: str, base_variable: str, base: str) -> Path:
    below = os.path.join(os.environ.get(base_variable) or os.path.expanduser(base), FOLDER)
    return Path(os.path.realpath(os.environ.get(variable) or below))


@dataclass(frozen=True)
class State:
    """Paths, names and addresses of one testbed. Nothing is made on disk until :meth:`prepare`."""

    home: Path
    cache: Path

    @classmethod
    def from_environment(cls) -> State:
        """The testbed that ``TESTBED_HOME`` and ``TESTBED_CACHE`` (or their defaults) name."""
        return cls(home=home_folder(), cache=cache_folder())

    # -- identity ---------------------------------------------------------------------------------------------
    @property
    def digest(self) -> bytes:
        """SHA-256 of the real path of the folder."""
        return hashlib.sha256(os.path.realpath(self.home).encode()).digest()

    @property
    def instance(self) -> str:
        """Instance id: six hexadecimal digits carried by every named resource on the host."""
        return self.digest.hex()[:6]

    @property
    def cgroup(self) -> str:
        """Name of the cgroup below which the pods of this testbed run."""
        return f"/testbed-{self.instance}"

    def namespace(self, name: str) -> str:
        """Name of the network namespace ``vpc``, ``apigee`` or ``node-<n>`` of this testbed."""
        return f"tb-{self.instance}-{name}"

    # -- addresses on the host's loopback ---------------------------------------------------------------------
    def address(self, last: int) -> str:
        """``127.A.B.last`` with A in 64..127 and B from the digest.

        Raises ValueError when ``last`` is not a host number.
        """
        if not 1 <= last <= 254:
            raise ValueError(f"no loopback address ends in {last}")
        return f"127.{64 + self.digest[0] % 64}.{self.digest[1]}.{last}"

    @property
    def emulator_address(self) -> str:
        return self.address(1)

    @property
    def northbound_address(self) -> str:
        return self.address(2)

    def api_server_address(self, number: int) -> str:
        """Loopback address of the API server of cluster ``number`` (from 0)."""
        return self.address(10 + number)

    def instance_address(self, number: int) -> str:
        """Loopback address of Apigee instance ``number`` (from 0)."""
        return self.address(10 + MAX_CLUSTERS + number)

    @property
    def emulator_url(self) -> str:
        return f"http://{self.emulator_address}:{EMULATOR_PORT}"

    @property
    def gcloud_proxy(self) -> tuple[str, int]:
        """Where gcloud's commands without an endpoint override enter."""
        return self.address(3), GCLOUD_PROXY_PORT

    @property
    def api_gateway_address(self) -> str:
        """Where the gateways of API Gateway take calls, told apart by host name."""
        return self.address(4)

    @property
    def function_address(self) -> str:
        """Where functions are called, told apart by host name."""
        return self.address(5)

    @property
    def edge_address(self) -> str:
        """Where the double of Apigee Edge answers."""
        return self.address(6)

    # -- files ------------------------------------------------------------------------------------------------
    @property
    def connection_file(self) -> Path:
        return self.home / "connection.json"

    @property
    def pid_file(self) -> Path:
        return self.home / "daemon.json"

    @property
    def run(self) -> Path:
        """Sockets, pid files and whatever is worthless without the daemon."""
        return self.home / "run"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def google(self) -> Path:
        """The emulator's persisted state, keys of seeded service accounts and user tokens."""
        return self.home / "google"

    @property
    def apigee(self) -> Path:
        return self.home / "apigee"

    @property
    def network(self) -> Path:
        return self.home / "network"

    @property
    def api_gateway(self) -> Path:
        """What each gateway's Envoy is told."""
        return self.home / "api-gateway"

    @property
    def http_balancing(self) -> Path:
        """What the Envoys of Application Load Balancers are told."""
        return self.home / "http-balancing"

    @property
    def functions(self) -> Path:
        """The sources of running functions."""
        return self.home / "functions"

    @property
    def edge(self) -> Path:
        """Of the double of Apigee Edge: its certificate, and its administrator's password."""
        return self.home / "edge"

    @property
    def certificates(self) -> Path:
        return self.home / "certificates"

    @property
    def gcloud(self) -> Path:
        """``CLOUDSDK_CONFIG``: gcloud's own folder, so that the user's configuration stays as it is."""
        return self.home / "gcloud"

    @property
    def kubeconfig(self) -> Path:
        return self.home / "kubeconfig"

    @property
    def token_file(self) -> Path:
        """A valid access token of the seeded user, for gcloud and kubectl (written by the emulator)."""
        return self.google / "user-token"

    def cluster_folder(self, number: int) -> Path:
        """Everything of the node of cluster ``number``."""
        return self.home / "clusters" / str(number)

    def prepare(self) -> None:
        """Make the folders, readable by their owner only."""
        for folder in (self.home, self.run, self.logs, self.google, self.apigee, self.network, self.api_gateway,
                       self.http_balancing, self.functions, self.edge, self.certificates, self.gcloud):
            folder.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o700)

    def connection(self) -> dict[str, Any] | None:
        """What the daemon wrote into connection.json, or None while it is not up."""
        try:
            return json.loads(self.connection_file.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return None


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, in one step: a reader sees the old or the new content.

    Of several writers at once each writes a whole content, and one of them stays.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise

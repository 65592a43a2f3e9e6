# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A gateway as a process of this machine: the real engine, started with the variables that its container would get."""
from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from testbed.processes import end_started, listens

from .installation import Engine

START_SECONDS = 60.0
STOP_SECONDS = 15.0


class GatewayError(RuntimeError):
    """The gateway does not serve; the text ends with what it said."""


class Gateway:
    """One gateway with a folder for its configuration, plugins and log."""

    def __init__(self, engine: Engine, folder: Path, variables: Mapping[str, str], plugins: Mapping[str, str]) -> None:
        """``variables``: what the container gets, credentials and configuration included. ``plugins``: path -> content.

        The folders named in the variables are the image's; here they are below ``folder``.
        """
        self.port = int(variables["EDGEMICRO_PORT"])
        self.log = folder / "log"
        config, own = folder / "config", folder / "plugins"
        config.mkdir(parents=True, mode=0o700, exist_ok=True)
        for path, content in plugins.items():
            (own / path).parent.mkdir(parents=True, exist_ok=True)
            (own / path).write_text(content, encoding="utf-8")
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            **variables,
            "EDGEMICRO_ENGINE": str(engine.folder),
            "EDGEMICRO_CONFIG_DIR": str(config),
            "EDGEMICRO_PLUGIN_DIR": str(own),
        }
        with self.log.open("a") as output:
            # What it may be told stands in its environment: arguments are shown to every user of the machine.
            self.process = subprocess.Popen(
                [str(engine.node), str(engine.launcher)],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def ready(self, seconds: float = START_SECONDS) -> None:
        """Wait until it listens. Raises GatewayError when it ends or takes too long."""
        if not listens(self.process, self.port, seconds):
            raise GatewayError(f"the gateway does not listen at {self.port}:\n{self.log.read_text()[-3000:]}")

    def stop(self) -> int:
        """End it as Kubernetes does; returns its exit status."""
        return end_started(self.process, STOP_SECONDS)

# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from testbed.engines.application import Application
from testbed.engines.authority import NAME, Authority, SecretFolder
from testbed.engines.sidecar import Sidecar


@pytest.fixture(scope="session")
def authority():
    return Authority("Test CA")


@pytest.fixture
def secret(tmp_path, authority):
    """A mounted Secret with a good certificate."""
    tmp_path.chmod(0o755)
    folder = SecretFolder(tmp_path / "certificate")
    folder.pair(authority.leaf(NAME), authority)
    return folder


@pytest.fixture
async def application():
    async with Application() as running:
        yield running


@pytest.fixture
def sidecar(secret):
    """Makes sidecars and ends them all."""
    made = []

    def make(engine: str, application_port: int, certificate: Path | None = None, **options) -> Sidecar:
        made.append(Sidecar(engine, certificate or secret.path, application_port, **options))
        return made[-1]

    yield make
    for each in made:
        print(each.engine.name, each.told if each._process else "")
        each.stop()

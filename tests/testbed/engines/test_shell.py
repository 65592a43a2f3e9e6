# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The supervisor reads the end of a certificate without openssl, with the tools of Debian's and of Alpine's images."""
from __future__ import annotations

import datetime
import shutil
import subprocess

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.engines.registry import ENGINES
from cryptography import x509

from testbed.engines.authority import NAME, Authority
from testbed.images import tls

pytestmark = pytest.mark.testbed

SHELLS = ("dash", "bash", "busybox")


def ends(shell: str, path) -> str:
    """What the function ``ends`` of the supervisor says of a file."""
    script = ENGINES["nginx"].command[2]
    function = script[script.index("ends() {"):script.index("valid() {")]
    busybox = [str(tls.ensure_root("nginx") / "bin/busybox"), "sh"]
    program = busybox if shell == "busybox" else [shutil.which(shell)]
    done = subprocess.run(
        [*program, "-c", f'{function}\nends "$0"', str(path)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("years", [-1, 1, 30, 100])
def test_the_end_of_a_certificate(shell, years, tmp_path):
    """From 2050 on the date is written in another type."""
    pair = Authority("A name of some length").leaf(NAME, seconds=years * 365 * 86400 if years > 0 else -60)
    wanted = x509.load_pem_x509_certificate(pair.certificate).not_valid_after_utc.astimezone(datetime.timezone.utc)
    file = tmp_path / "tls.crt"
    file.write_bytes(b"Certificate:\n  a text before it\n" + pair.certificate + Authority("another").pem)
    assert ends(shell, file) == wanted.strftime("%Y%m%d%H%M%S")


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("content", [
    b"", b"nothing of it", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_has_no_end(shell, content, tmp_path):
    file = tmp_path / "tls.crt"
    file.write_bytes(content)
    assert ends(shell, file) == ""
    assert ends(shell, tmp_path / "missing") == ""

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


def supervisor(shell: str, first: str, last: str, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program behind a part of the supervisor: from the line that starts with ``first`` to that with ``last``."""
    script = ENGINES["nginx"].command[2]
    functions = script[script.index(first):script.index(last)]
    busybox = [str(tls.ensure_root("nginx") / "bin/busybox"), "sh"]
    command = busybox if shell == "busybox" else [shutil.which(shell)]
    return subprocess.run(
        [*command, "-c", f"{functions}\n{program}", *arguments], capture_output=True, text=True, check=True)


def ends(shell: str, path) -> str:
    """What the function ``ends`` of the supervisor says of a file."""
    done = supervisor(shell, "ends() {", "valid() {", 'ends "$0"', str(path))
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


@pytest.mark.parametrize("shell", SHELLS)
def test_looking_for_a_client_authority_that_nobody_asked_for_says_nothing(shell, tmp_path):
    """It is looked for every five seconds, in most pods in vain."""
    file = tmp_path / "ca.crt"
    missing = supervisor(shell, "issuers() {", "watch() {", 'authorities=$0; issuers', str(file))
    file.write_text("an authority")
    there = supervisor(shell, "issuers() {", "watch() {", 'authorities=$0; issuers', str(file))
    assert missing.stderr == there.stderr == ""
    assert missing.stdout and missing.stdout != there.stdout

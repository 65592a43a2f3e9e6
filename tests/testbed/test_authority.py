# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""The testbed's certificate authority."""
from __future__ import annotations

import socket
import ssl
import stat
import threading
from pathlib import Path

import pytest

from testbed.certificates import Authority


def test_it_is_made_once_and_its_key_is_private(tmp_path: Path):
    first, again = (Authority.load_or_create(tmp_path / "ca") for _ in range(2))
    assert first.certificate == again.certificate
    assert stat.S_IMODE(first.key_file.stat().st_mode) == 0o600


@pytest.mark.parametrize(("name", "trusted"), [
    ("api.acme.example", True), ("127.0.0.1", True), ("other.example", False)])
def test_clients_trust_what_it_issued_for_exactly_these_names(tmp_path: Path, name: str, trusted: bool):
    authority = Authority.load_or_create(tmp_path / "ca")
    chain, key = authority.issue(["api.acme.example", "127.0.0.1"])
    (tmp_path / "chain").write_bytes(chain)
    (tmp_path / "key").write_bytes(key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "chain", tmp_path / "key")
    client = ssl.create_default_context(cafile=str(authority.certificate_file))
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            server.wrap_socket(theirs, server_side=True).close()
        except OSError:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        if trusted:
            client.wrap_socket(ours, server_hostname=name).close()
        else:
            with pytest.raises(ssl.SSLCertVerificationError):
                client.wrap_socket(ours, server_hostname=name)
    finally:
        ours.close()
        thread.join()


def test_a_certificate_needs_a_name(tmp_path: Path):
    with pytest.raises(ValueError, match="name"):
        Authority.load_or_create(tmp_path).issue([])

# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Calls from the internet of a testbed, from whatever source address is wanted."""
from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import urllib.parse
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed.network.namespace import Namespace


@dataclass(frozen=True)
class Answer:
    """``headers`` by their names in small letters; of several with one name the last."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def call(namespace: Namespace, url: str, source: str, *, host: str = "", method: str = "GET",
         headers: Mapping[str, str] | None = None, data: bytes | None = None, ca: Path | str | None = None,
         timeout: float = 20.0) -> Answer:
    """Send a request to the address in a URL, and follow nothing. Needs root.

    :param host: the host name that is asked for, also of the certificate; without one the address itself.
    :param ca: whose certificates are trusted; without it no certificate is looked at.

    Raises OSError, ssl.SSLError or http.client.HTTPException.
    """
    parts = urllib.parse.urlsplit(url)
    address = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET

    def connected() -> socket.socket:
        made = socket.socket(family, socket.SOCK_STREAM)
        made.settimeout(timeout)
        try:
            made.bind((source, 0))
            made.connect((address, port))
        except OSError:
            made.close()
            raise
        return made

    link = http.client.HTTPConnection(host or parts.netloc, timeout=timeout)
    try:
        link.sock = namespace.inside(connected)
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=str(ca) if ca else None)
            if ca is None:
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            link.sock = context.wrap_socket(link.sock, server_hostname=host or address)
        target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        link.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        link.putheader("Host", host or parts.netloc)
        for name, value in (headers or {}).items():
            link.putheader(name, value)
        if data is not None:
            link.putheader("Content-Length", str(len(data)))
        link.endheaders(data)
        answer = link.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        link.close()


def speaks(namespace: Namespace, address: str, source: str, version: ssl.TLSVersion, host: str) -> bool:
    """Whether port 443 of an address accepts a version of TLS, however old. Needs root.

    Raises OSError where nobody is to be reached.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    # The system's own settings would refuse old versions before the other side is asked.
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    with namespace.inside(lambda: socket.create_connection((address, 443), 20, (source, 0))) as link:
        try:
            context.wrap_socket(link, server_hostname=host).close()
        except ssl.SSLError as error:
            if "alert" not in str(error).lower():
                raise
            return False
    return True

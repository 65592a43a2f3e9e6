# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The certificate that the webhook shows, exchanged while it runs. Private to the collection.

A new pair is first loaded into a context of its own: loading a key that does not fit into the context in use would
break that one for good. Whatever is wrong with the new pair, the old certificate stays.
"""

from __future__ import annotations

import calendar
import logging
import os
import ssl
import threading
import time
import typing as t

_log = logging.getLogger("tls-sidecar.certificate")

CHAIN, KEY = "tls.crt", "tls.key"
DATA = "..data"
_SEQUENCE, _VERSION, _UTC_TIME = 0x30, 0xA0, 0x17


class CertificateError(Exception):
    """A certificate and key cannot be used; the text says why."""


class Certificate:
    """The pair in a folder, as kubelet keeps it there: all files change at once, with the target of one link."""

    def __init__(self, folder: str, clock: t.Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock
        self._seen: t.Any = None
        self.context: ssl.SSLContext | None = None
        """For the next handshake; connections that are open keep theirs."""
        self.expires = 0.0
        """Seconds of the epoch; 0 while there is no certificate."""
        self.loaded = 0
        self.failed = 0

    @property
    def usable(self) -> bool:
        """Whether there is a certificate that has not expired."""
        return self.context is not None and self._clock() < self.expires

    def refresh(self) -> bool:
        """Load the pair if it is another than the one looked at last; whether it is in use now."""
        mark = self._mark()
        if mark == self._seen:
            return False
        try:
            folder = os.path.realpath(os.path.join(self._folder, DATA)) if isinstance(mark, str) else self._folder
            context, expires = load(folder)
        except (OSError, CertificateError, ValueError) as error:
            # Looked at again next time: files may still be on their way.
            self.failed += 1
            _log.error("the certificate in %s cannot be used, the old one stays: %s", self._folder, error)
            return False
        self.context, self.expires, self._seen = context, expires, mark
        self.loaded += 1
        _log.info("certificate in use, expires %s", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires)))
        return True

    def follow(self, interval: float, stopped: threading.Event) -> None:
        """Look every ``interval`` seconds until stopped. Watching would need more than the standard library has."""
        while not stopped.wait(interval):
            self.refresh()

    def _mark(self) -> t.Any:
        """Differs whenever the files do: where kubelet's link leads, else what the file system says of the files."""
        try:
            return os.readlink(os.path.join(self._folder, DATA))
        except OSError:
            pass
        try:
            found = [os.stat(os.path.join(self._folder, name)) for name in (CHAIN, KEY)]
        except OSError:
            return None if self._seen is None else ()
        return tuple((each.st_mtime_ns, each.st_ino, each.st_size) for each in found)


def load(folder: str) -> tuple[ssl.SSLContext, float]:
    """A context with the pair of a folder, and when it expires. Raises OSError, CertificateError or ValueError."""
    chain = os.path.join(folder, CHAIN)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # The API server would otherwise speak HTTP/2 where it can.
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(chain, os.path.join(folder, KEY))
    with open(chain, encoding="ascii", errors="replace") as stream:
        text = stream.read()
    begin, end = text.find("-----BEGIN CERTIFICATE-----"), text.find("-----END CERTIFICATE-----")
    if begin < 0 or end < begin:
        raise CertificateError(f"{chain} holds no certificate")
    return context, not_after(ssl.PEM_cert_to_DER_cert(text[begin:end] + "-----END CERTIFICATE-----"))


def not_after(der: bytes) -> float:
    """When a certificate expires, in seconds of the epoch. Raises CertificateError.

    Read from its structure (RFC 5280 section 4.1), because the standard library tells it of a peer's certificate only.
    """
    try:
        inner = _value(_value(der, 0)[0], 0)[0]
        position = 0
        if inner[0] == _VERSION:
            position = _value(inner, 0)[1]
        for _each in ("serial number", "signature", "issuer"):
            position = _value(inner, position)[1]
        validity = _value(inner, position)[0]
        end = _value(validity, 0)[1]
        kind, text = validity[end], _value(validity, end)[0].decode("ascii")
        if kind == _UTC_TIME:
            text = ("20" if int(text[:2]) < 50 else "19") + text
        return float(calendar.timegm(time.strptime(text, "%Y%m%d%H%M%SZ")))
    except (IndexError, ValueError) as error:
        raise CertificateError(f"the certificate's structure cannot be read: {error}") from error


def _value(data: bytes, position: int) -> tuple[bytes, int]:
    """Content of the DER element at a position, and where the next one begins. Raises IndexError."""
    length = data[position + 1]
    begin = position + 2
    if length & 0x80:
        size = length & 0x7F
        length = int.from_bytes(data[begin : begin + size], "big")
        begin += size
    if begin + length > len(data):
        raise IndexError("an element is longer than what holds it")
    return data[begin : begin + length], begin + length

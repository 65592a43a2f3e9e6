# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What the function is told by its environment, read and checked once, at import: a wrong setting stops the start."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import typing as t
from urllib.parse import urlsplit

MEBIBYTE = 1024 * 1024
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
#: Names under which Google's metadata server answers with the function's own access token.
METADATA_NAMES = ("metadata", "metadata.google.internal", "metadata.goog")
METADATA_ADDRESS_6 = ipaddress.ip_address("fd20:ce::254")
_PREFIX = re.compile(r"^/[A-Za-z0-9._~!$&'()*+,=:@/-]*$")


class SettingsError(ValueError):
    """A setting that cannot be: its name, what was found, what to write."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """``host``, ``port`` and ``tls`` are the one upstream. Times in seconds, sizes in bytes."""

    host: str
    port: int
    tls: bool = False
    prefixes: tuple[str, ...] = ("/",)
    methods: tuple[str, ...] = METHODS
    connect_timeout: float = 3.0
    timeout: float = 10.0
    request_bytes: int = 10 * MEBIBYTE
    response_bytes: int = 10 * MEBIBYTE
    #: The gateway's word on who the caller is goes on: only where IAM lets nobody but the gateway call.
    user_info: bool = False

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


def read(environment: t.Mapping[str, str]) -> Settings:
    """The settings in ``FORWARD_*`` variables. Raises SettingsError."""
    host, port, tls = _upstream(environment.get("FORWARD_TO", ""))
    settings = Settings(
        host,
        port,
        tls,
        prefixes=_prefixes(environment.get("FORWARD_PATHS", "/")),
        methods=_methods(environment.get("FORWARD_METHODS", "") or ",".join(METHODS)),
        connect_timeout=_number(environment, "FORWARD_CONNECT_TIMEOUT", 3.0, 60.0),
        timeout=_number(environment, "FORWARD_TIMEOUT", 10.0, 3600.0),
        request_bytes=int(_number(environment, "FORWARD_REQUEST_BYTES", 10 * MEBIBYTE, 32 * MEBIBYTE)),
        response_bytes=int(_number(environment, "FORWARD_RESPONSE_BYTES", 10 * MEBIBYTE, 32 * MEBIBYTE)),
        user_info=_switch(environment, "FORWARD_USER_INFO"),
    )
    if settings.connect_timeout > settings.timeout:
        raise SettingsError(
            f"FORWARD_CONNECT_TIMEOUT is {settings.connect_timeout:g}, more than FORWARD_TIMEOUT, which is "
            f"{settings.timeout:g} and contains it. Lower the first."
        )
    return settings


def forbidden(address: str) -> bool:
    """Whether an address is one where no user's Service is: link-local (metadata servers), multicast, unspecified."""
    try:
        found = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return False
    found = getattr(found, "ipv4_mapped", None) or found
    return found.is_link_local or found.is_multicast or found.is_unspecified or found == METADATA_ADDRESS_6


def _upstream(value: str) -> tuple[str, int, bool]:
    wanted = "Write http://HOST, https://HOST or either with :PORT."
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise SettingsError(f"FORWARD_TO is {value!r}: {error}. {wanted}") from error
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or re.search(r"[\s\\%]", value):
        raise SettingsError(f"FORWARD_TO is {value!r}. {wanted}")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise SettingsError(f"FORWARD_TO is {value!r}: a path there protects nothing. Use FORWARD_PATHS. {wanted}")
    if host.rstrip(".") in METADATA_NAMES or forbidden(host):
        raise SettingsError(f"FORWARD_TO is {value!r}: no Service is there, but perhaps a metadata server. {wanted}")
    tls = parts.scheme == "https"
    return host, port or (443 if tls else 80), tls


def _prefixes(value: str) -> tuple[str, ...]:
    found = []
    for one in (part.strip() for part in value.split(",")):
        if not _PREFIX.match(one) or {".", ".."} & set(one.split("/")) or "//" in one:
            raise SettingsError(f"FORWARD_PATHS has {one!r}. Write paths such as /products, separated by commas.")
        found.append("/" + one.strip("/"))
    return tuple(dict.fromkeys(found))


def _methods(value: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(part.strip() for part in value.split(",")))
    unknown = [one for one in found if one not in METHODS]
    if unknown:
        raise SettingsError(f"FORWARD_METHODS has {unknown[0]!r}. Write some of {', '.join(METHODS)}.")
    return found


def _number(environment: t.Mapping[str, str], name: str, default: float, most: float) -> float:
    value = environment.get(name, "")
    try:
        number = float(value) if value else default
    except ValueError:
        number = 0.0
    if not 0 < number <= most:
        raise SettingsError(f"{name} is {value!r}. Write a number above 0 and not above {most:g}.")
    return number


def _switch(environment: t.Mapping[str, str], name: str) -> bool:
    value = environment.get(name, "") or "false"
    if value not in ("true", "false"):
        raise SettingsError(f"{name} is {value!r}. Write true or false.")
    return value == "true"

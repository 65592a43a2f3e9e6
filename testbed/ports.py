# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports of loopback for programs that must be told theirs."""
from __future__ import annotations

import os
import socket
from collections.abc import Callable

_held: list[socket.socket] = []


def free_port(*beside: Callable[[int], int]) -> int:
    """A port nobody listens on. Not one of those that outgoing connections take, which may come back as one.

    A program binds it a while after it was told, and some share it with whoever binds it next. So a port is also
    reserved among processes like this one, by an abstract socket that goes with the process and leaves no file.

    :param beside: from a port, a further one that must be free with it. Raises RuntimeError when all are taken.
    """
    for port in range(8443 + os.getpid() % 1000 * 10, 32000):
        if all(_reserved(each) for each in (port, *(further(port) for further in beside))):
            return port
    raise RuntimeError("no free port")


def _reserved(port: int) -> bool:
    held = socket.socket(socket.AF_UNIX)
    try:
        with socket.socket() as candidate:
            candidate.bind(("127.0.0.1", port))
        held.bind(f"\0apigee-gke-port-{port}")
    except OSError:
        held.close()
        return False
    _held.append(held)
    return True

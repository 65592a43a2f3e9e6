# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""A network namespace, and sockets in it owned by this process.

A socket belongs to the namespace in which it was created, whoever uses it later. So a short-lived thread enters the
namespace, creates the socket and ends; the socket then works in the daemon's own event loop. No helper process is
needed to listen or connect anywhere in the testbed.
"""
from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

CLONE_NEWNET = 0x40000000
MS_BIND = 4096
MNT_DETACH = 2
NETNS_FOLDER = Path("/run/netns")
_STREAM = socket.SOCK_STREAM | socket.SOCK_NONBLOCK  # with the protocol named: asyncio sets TCP_NODELAY on no other

_libc = ctypes.CDLL(None, use_errno=True)
_Result = TypeVar("_Result")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _in_thread(action: Callable[[], _Result]) -> _Result:
    """Run ``action`` in a thread of its own, which may change namespaces because it ends afterwards."""
    outcome: list[_Result] = []
    failure: list[BaseException] = []

    def body() -> None:
        try:
            outcome.append(action())
        except BaseException as error:  # handed to the caller below
            failure.append(error)

    thread = threading.Thread(target=body, name="namespace")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


class Namespace:
    """A named network namespace, visible to ``ip netns`` and ``nsenter --net=<path>``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = NETNS_FOLDER / name

    def __repr__(self) -> str:
        return f"Namespace({self.name!r})"

    def exists(self) -> bool:
        """True when the name is held by a namespace (an empty file is what is left of a crash)."""
        return os.path.ismount(self.path)

    def create(self) -> None:
        """Make the namespace with its loopback device up. An existing one is kept.

        ``ip netns add`` is not used: it leaves a mount on /run/netns behind for ever. Raises OSError.
        """
        if not self.exists():
            NETNS_FOLDER.mkdir(mode=0o755, exist_ok=True)
            self.path.touch(mode=0o444, exist_ok=True)

            def pin() -> None:
                _check(_libc.unshare(CLONE_NEWNET), "unshare")
                _check(_libc.mount(b"/proc/thread-self/ns/net", os.fsencode(self.path), b"none", MS_BIND, None),
                       f"bind {self.path}")

            _in_thread(pin)
        self.run(["ip", "link", "set", "lo", "up"])

    def delete(self) -> None:
        """Remove the name; the namespace ends with its last process and socket. Does nothing when absent.

        The folder goes too when it is empty and nobody made it a mount point.
        """
        while self.exists():
            _check(_libc.umount2(os.fsencode(self.path), MNT_DETACH), f"unmount {self.path}")
        self.path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            NETNS_FOLDER.rmdir()

    def inside(self, action: Callable[[], _Result]) -> _Result:
        """Run ``action`` (short, blocking) in a thread that has entered the namespace."""

        def entered() -> _Result:
            handle = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                _check(_libc.setns(handle, CLONE_NEWNET), f"enter {self.name}")
            finally:
                os.close(handle)
            return action()

        return _in_thread(entered)

    def listen(self, host: str, port: int, backlog: int = 256) -> socket.socket:
        """A non-blocking TCP socket listening in the namespace. Raises OSError."""

        def make() -> socket.socket:
            return listening_socket(host, port, backlog)

        return self.inside(make)

    def udp(self, host: str, port: int) -> socket.socket:
        """A non-blocking UDP socket bound in the namespace. Raises OSError."""

        def make() -> socket.socket:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            try:
                sock.bind((host, port))
            except OSError:
                sock.close()
                raise
            return sock

        return self.inside(make)

    async def connect(self, host: str, port: int, timeout: float | None = None,
                      source: str | None = None) -> socket.socket:
        """A connected, non-blocking TCP socket, from the address ``source`` if given.

        Raises OSError, or TimeoutError after ``timeout`` seconds.
        """

        def make() -> socket.socket:
            sock = socket.socket(socket.AF_INET, _STREAM, socket.IPPROTO_TCP)
            if source is not None:
                sock.bind((source, 0))
            return sock

        sock = self.inside(make)
        try:
            await asyncio.wait_for(asyncio.get_running_loop().sock_connect(sock, (host, port)), timeout)
        except BaseException:
            sock.close()
            raise
        return sock

    def entering(self, argv: Sequence[str]) -> list[str]:
        """The command line that runs ``argv`` in the namespace.

        Not ``ip netns exec``: that remounts /sys, and kubelet then finds no cgroups.
        """
        return ["nsenter", f"--net={self.path}", "--", *argv]

    def run(self, argv: Sequence[str], *, input: str | None = None) -> str:
        """Run a short command in the namespace and return its output.

        Raises OSError with the command's own message when it fails.
        """
        done = subprocess.run(self.entering(argv), input=input, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise OSError(f"{' '.join(argv)} in {self.name}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout


def listening_socket(host: str, port: int, backlog: int = 256) -> socket.socket:
    """A non-blocking listening TCP socket in the current namespace. Raises OSError."""
    sock = socket.socket(socket.AF_INET, _STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(backlog)
    except OSError:
        sock.close()
        raise
    return sock

# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the zip of a bundle without trusting it: sizes, names and links are checked before anything is unpacked."""
from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib

# The folder at the root of a zip says what it holds: an API proxy or a shared flow.
ROOT, SHARED_FLOW_ROOT = "apiproxy/", "sharedflowbundle/"
# Apigee's documented limits: 15 MB for a bundle. The others only guard this process against hostile archives.
MAXIMUM_ARCHIVE_BYTES = 15 * 1024 * 1024
MAXIMUM_UNPACKED_BYTES = 64 * 1024 * 1024
MAXIMUM_FILES = 2000
# What zipfile raises for archives that are damaged in one place or another (found by fuzzing).
_DAMAGE = (zipfile.BadZipFile, OSError, EOFError, RuntimeError, ValueError, IndexError, struct.error, zlib.error)


class BundleError(Exception):
    """The bundle is refused at import. ``violations`` has one sentence per fault, each naming file and element."""

    def __init__(self, violations: list[str]) -> None:
        super().__init__("; ".join(violations))
        self.violations = list(violations)


def unpack(data: bytes, roots: tuple[str, ...] = (ROOT,)) -> tuple[str, dict[str, bytes]]:
    """Which of ``roots`` the bundle has, and path inside it -> content. Raises BundleError."""
    if len(data) > MAXIMUM_ARCHIVE_BYTES:
        raise BundleError([f"bundle of {len(data)} bytes exceeds the limit of {MAXIMUM_ARCHIVE_BYTES} bytes"])
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except _DAMAGE as error:
        raise BundleError([f"bundle is not a zip archive: {error}"]) from None
    with archive:
        names = archive.namelist()
        root = next((root for root in roots if any(name.startswith(root) for name in names)), roots[0])
        return root, _members(archive, root)


def _members(archive: zipfile.ZipFile, root: str) -> dict[str, bytes]:
    violations: list[str] = []
    files: dict[str, bytes] = {}
    entries = [entry for entry in archive.infolist() if not entry.filename.endswith("/")]
    if len(entries) > MAXIMUM_FILES:
        raise BundleError([f"bundle has {len(entries)} files, more than the limit of {MAXIMUM_FILES}"])
    if sum(entry.file_size for entry in entries) > MAXIMUM_UNPACKED_BYTES:
        raise BundleError([f"bundle unpacks to more than {MAXIMUM_UNPACKED_BYTES} bytes"])
    for entry in entries:
        name = entry.filename
        fault = _entry_fault(entry)
        if fault:
            violations.append(f"{name}: {fault}")
        elif name.startswith(root):
            path = name[len(root):]
            if path in files:
                violations.append(f"{name}: appears twice in the archive")
                continue
            try:
                # The declared size was summed above; reading one byte more would show that it lied.
                with archive.open(entry) as stream:
                    content = stream.read(entry.file_size + 1)
            except _DAMAGE as error:
                violations.append(f"{name}: cannot be unpacked: {error}")
                continue
            if len(content) > entry.file_size:
                violations.append(f"{name}: is larger than the archive declares")
                continue
            files[path] = content
    if violations:
        raise BundleError(violations)
    if not files:
        raise BundleError([f"bundle has no folder {root} at its root"])
    return files


def _entry_fault(entry: zipfile.ZipInfo) -> str | None:
    name = entry.filename
    if name.startswith("/") or "\\" in name or ".." in name.split("/") or ":" in name.split("/")[0]:
        return "path leaves the bundle"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "is a symbolic link"
    if entry.flag_bits & 0x1:
        return "is encrypted"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is compressed in a way other than deflate"
    return None

# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A function's source as a zip: the same bytes for the same content, and a digest of the content alone."""

from __future__ import annotations

import io
import re
import zipfile

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._function import package


def test_the_forwarding_function_is_whole() -> None:
    files = package.forwarding()
    assert {"main.py", "requirements.txt", "forwarding/__init__.py", "forwarding/function.py"} <= set(files)
    assert b"\n" + package.ENTRY_POINT.encode() + b" = " in files["main.py"]
    for path, content in files.items():
        if path.endswith(".py"):
            compile(content, path, "exec")


def test_equal_files_give_equal_bytes() -> None:
    files = package.forwarding()
    turned = dict(reversed(list(files.items())))
    assert package.archive(files) == package.archive(turned) and package.digest(files) == package.digest(turned)
    with zipfile.ZipFile(io.BytesIO(package.archive(files))) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_any_other_content_has_another_digest() -> None:
    digests = [
        package.digest(files)
        for files in ({}, {"a": b""}, {"a": b"b"}, {"ab": b""}, {"b": b"a"}, {"a": b"", "b": b""}, {"a": b"\x000\x00"})
    ]
    assert len(set(digests)) == len(digests)
    assert all(re.fullmatch("[0-9a-f]{40}", digest) for digest in digests)

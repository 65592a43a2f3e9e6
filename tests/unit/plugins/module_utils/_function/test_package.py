# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A function's source as a zip: the same bytes for the same content, and a digest of the content alone."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils import _forwarding
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee.bundle import BundleError
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._function import package


def test_the_forwarding_function_is_whole() -> None:
    files = package.forwarding()
    assert {"main.py", "requirements.txt", "forwarding/__init__.py", "forwarding/function.py"} <= set(files)
    parts = {path.name for path in Path(_forwarding.__file__).parent.glob("*.py")}
    assert {path.removeprefix("forwarding/") for path in files if path.startswith("forwarding/")} == parts
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


def test_a_folder_without_what_does_not_belong_in_it(tmp_path: Path) -> None:
    for path in ("main.py", "lib/part.py", ".git/config", "__pycache__/a.pyc", "node_modules/x/a.js", "main.py~"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    assert package.folder(str(tmp_path)) == {"main.py": b"main.py", "lib/part.py": b"lib/part.py"}


def test_folders_that_cannot_be_packed(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is no folder"):
        package.folder(str(tmp_path / "none"))
    with pytest.raises(BundleError, match="holds no file"):
        package.folder(str(tmp_path))
    (tmp_path / "main.py").symlink_to("/etc/hostname")
    with pytest.raises(BundleError, match="leads out of the function's source"):
        package.folder(str(tmp_path))

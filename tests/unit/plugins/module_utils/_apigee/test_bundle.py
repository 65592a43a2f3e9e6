# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and writing bundles: folders, zips, junk, and archives that mean harm."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from pathlib import Path

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee import bundle, generate


def zipped(entries: dict[str, bytes], **attributes: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            entry = zipfile.ZipInfo("placeholder", (2026, 11, 21, 12, 0, 0))
            entry.filename = name
            for key, value in attributes.items():
                setattr(entry, key, value)
            archive.writestr(entry, content)
    return buffer.getvalue()


def unpack(proxy: bundle.Bundle, folder: Path) -> Path:
    for path, content in proxy.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


ORDERS = generate.generate("orders", "/orders", ["orders"])


def test_folder_zip_and_inner_folder_are_the_same_bundle(tmp_path: Path) -> None:
    unpack(ORDERS, tmp_path)
    (tmp_path / "orders.zip").write_bytes(zipped(dict(reversed(list(ORDERS.files.items())))))
    assert bundle.read(str(tmp_path)) == ORDERS
    assert bundle.read(str(tmp_path / "apiproxy")) == ORDERS
    assert bundle.read(str(tmp_path / "orders.zip")) == ORDERS


def test_written_zip_depends_on_content_only() -> None:
    reordered = bundle.Bundle(dict(reversed(list(ORDERS.files.items()))))
    assert bundle.to_zip(ORDERS) == bundle.to_zip(reordered)
    assert bundle.from_zip(bundle.to_zip(ORDERS)) == ORDERS


def test_junk_is_left_out(tmp_path: Path) -> None:
    unpack(ORDERS, tmp_path)
    for junk in ("apiproxy/.DS_Store", "apiproxy/policies/.Quota.xml.swp", "apiproxy/targets/default.xml~",
                 "apiproxy/.git/HEAD", "README.md", "apiproxy/__MACOSX/x.xml"):  # fmt: skip
        (tmp_path / junk).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / junk).write_text("junk")
    assert bundle.read(str(tmp_path)) == ORDERS
    with_junk = {**ORDERS.files, "__MACOSX/apiproxy/._orders.xml": b"x", "apiproxy/.DS_Store": b"x", "NOTES": b"x"}
    assert bundle.from_zip(zipped(with_junk)) == ORDERS


def test_a_folder_around_the_bundle_is_taken_off() -> None:
    assert bundle.from_zip(zipped({f"orders-main/{path}": data for path, data in ORDERS.files.items()})) == ORDERS


@pytest.mark.parametrize(
    ("name", "because"),
    [
        ("../apiproxy/orders.xml", "leads out"),
        ("apiproxy/../../etc/passwd", "leads out"),
        ("/apiproxy/orders.xml", "absolute"),
        ("C:/apiproxy/orders.xml", "absolute"),
        ("apiproxy\\..\\orders.xml", "backslash"),
        ("apiproxy//orders.xml", "leads out"),
    ],
)
def test_names_that_lead_out_of_the_archive_are_refused(name: str, because: str) -> None:
    with pytest.raises(bundle.BundleError, match=because):
        bundle.from_zip(zipped({**ORDERS.files, name: b"x"}))


def test_links_in_an_archive_are_refused() -> None:
    with pytest.raises(bundle.BundleError, match="symbolic link"):
        bundle.from_zip(zipped({"apiproxy/orders.xml": b"/etc/passwd"}, external_attr=(stat.S_IFLNK | 0o777) << 16))


def test_every_problem_of_an_archive_is_named_at_once() -> None:
    with pytest.raises(bundle.BundleError) as caught:
        bundle.from_zip(zipped({"../a": b"", "/b": b""}))
    assert len(caught.value.problems) == 2


def test_a_zip_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAXIMUM_CONTENT_BYTES", 1000)
    with pytest.raises(bundle.BundleError, match="unpacks to more"):
        bundle.from_zip(zipped({"apiproxy/orders.xml": b"0" * 2000}))


def test_a_zip_larger_than_apigee_accepts_is_refused() -> None:
    with pytest.raises(bundle.BundleError, match="15 MB"):
        bundle.from_zip(b"0" * (bundle.MAXIMUM_ZIP_BYTES + 1))


@pytest.mark.parametrize("data", [b"", b"not a zip", zipped({"apiproxy/a.xml": b"<a/>"})[:-30]])
def test_what_is_no_zip_is_refused(data: bytes) -> None:
    with pytest.raises(bundle.BundleError, match="not a readable zip"):
        bundle.from_zip(data, "orders.zip")


def test_a_damaged_entry_is_refused() -> None:
    good = bundle.to_zip(ORDERS)
    offset = good.index(b"apiproxy/orders.xml") + len("apiproxy/orders.xml")
    with pytest.raises(bundle.BundleError, match="not a readable zip"):
        bundle.from_zip(good[:offset] + b"\xff\xff\xff\xff" + good[offset + 4 :])


def test_no_bundle_and_two_bundles(tmp_path: Path) -> None:
    with pytest.raises(bundle.BundleError, match="no apiproxy folder"):
        bundle.read(str(tmp_path))
    with pytest.raises(bundle.BundleError, match="cannot be read: No such file"):
        bundle.read(str(tmp_path / "missing.zip"))
    (tmp_path / "apiproxy").mkdir()
    with pytest.raises(bundle.BundleError, match="holds no file"):
        bundle.read(str(tmp_path))
    with pytest.raises(bundle.BundleError, match="more than one bundle"):
        bundle.from_zip(zipped({"a/apiproxy/a.xml": b"<APIProxy/>", "b/apiproxy/b.xml": b"<APIProxy/>"}))


def test_links_that_leave_the_folder_are_refused(tmp_path: Path) -> None:
    unpack(ORDERS, tmp_path / "bundle")
    (tmp_path / "secret").write_text("secret")
    os.symlink(tmp_path / "secret", tmp_path / "bundle/apiproxy/policies.xml")
    os.symlink(tmp_path, tmp_path / "bundle/apiproxy/resources")
    with pytest.raises(bundle.BundleError) as caught:
        bundle.read(str(tmp_path / "bundle"))
    assert len(caught.value.problems) == 2


def test_links_inside_the_folder_are_followed(tmp_path: Path) -> None:
    unpack(ORDERS, tmp_path)
    os.symlink(tmp_path / "apiproxy/targets/default.xml", tmp_path / "apiproxy/targets/other.xml")
    assert (
        bundle.read(str(tmp_path)).files["apiproxy/targets/other.xml"] == ORDERS.files["apiproxy/targets/default.xml"]
    )

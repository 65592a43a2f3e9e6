# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import json
import tarfile

import pytest

from testbed.images.oci import Entry, Image, write_archive

IMAGE = Image(
    reference="docker.io/gatewayops/example:1", user="65532:65532", entrypoint=("/app/run",), ports=(8080,),
    environment={"B": "2", "A": "1"},
    layers=({"app/run": Entry(b"program", 0o755), "app/now": Entry(None, link="run"), "tmp": Entry(None, 0o1777)},))


def read(path):
    with tarfile.open(path) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}


def blob(files, descriptor):
    algorithm, digest = descriptor["digest"].split(":")
    data = files[f"blobs/{algorithm}/{digest}"]
    assert hashlib.sha256(data).hexdigest() == digest and len(data) == descriptor["size"]
    return data


def test_equal_input_gives_equal_bytes(tmp_path):
    write_archive(tmp_path / "a", IMAGE)
    write_archive(tmp_path / "b", IMAGE)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a", "b"]


def test_the_layout_holds_together(tmp_path):
    digest = write_archive(tmp_path / "a", IMAGE)
    files = read(tmp_path / "a")
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    (entry,) = json.loads(files["index.json"])["manifests"]
    assert entry["digest"] == digest
    assert entry["annotations"]["io.containerd.image.name"] == IMAGE.reference
    manifest = json.loads(blob(files, entry))
    configuration = json.loads(blob(files, manifest["config"]))
    assert configuration["rootfs"]["diff_ids"] == [layer["digest"] for layer in manifest["layers"]]
    settings = configuration["config"]
    assert settings["User"] == "65532:65532" and settings["Entrypoint"] == ["/app/run"]
    assert settings["Env"][1:] == ["A=1", "B=2"] and settings["ExposedPorts"] == {"8080/tcp": {}}


def test_a_layer_from_names_has_parents_modes_and_links(tmp_path):
    write_archive(tmp_path / "a", IMAGE)
    files = read(tmp_path / "a")
    manifest = json.loads(blob(files, json.loads(files["index.json"])["manifests"][0]))
    (tmp_path / "layer").write_bytes(blob(files, manifest["layers"][0]))
    with tarfile.open(tmp_path / "layer") as layer:
        members = {member.name: member for member in layer}
    assert list(members) == ["app", "app/now", "app/run", "tmp"]
    assert members["app"].isdir() and members["app/run"].mode == 0o755 and members["tmp"].mode == 0o1777
    assert members["app/now"].linkname == "run"
    assert {member.mtime for member in members.values()} == {0}


def test_a_layer_from_a_folder_is_the_folder(tmp_path):
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "file").write_text("text")
    (root / "etc" / "link").symlink_to("file")
    write_archive(tmp_path / "a", Image(reference="docker.io/gatewayops/x:1", layers=(root,)))
    files = read(tmp_path / "a")
    manifest = json.loads(blob(files, json.loads(files["index.json"])["manifests"][0]))
    (tmp_path / "layer").write_bytes(blob(files, manifest["layers"][0]))
    with tarfile.open(tmp_path / "layer") as layer:
        assert [(member.name, member.type) for member in layer] == [
            ("etc", tarfile.DIRTYPE), ("etc/file", tarfile.REGTYPE), ("etc/link", tarfile.SYMTYPE)]


def test_images_of_one_archive_share_their_layers(tmp_path):
    second = Image(reference="docker.io/gatewayops/second:1", entrypoint=("/app/now",), layers=IMAGE.layers)
    write_archive(tmp_path / "a", IMAGE, second)
    with tarfile.open(tmp_path / "a") as archive:
        names = archive.getnames()
    assert len(names) == len(set(names))
    files = read(tmp_path / "a")
    entries = json.loads(files["index.json"])["manifests"]
    references = [entry["annotations"]["io.containerd.image.name"] for entry in entries]
    assert references == [IMAGE.reference, second.reference]
    first, other = (json.loads(blob(files, entry)) for entry in entries)
    assert first["layers"] == other["layers"] and first["config"] != other["config"]
    assert json.loads(blob(files, other["config"]))["config"]["Entrypoint"] == ["/app/now"]


def test_what_cannot_be_read_leaves_no_parts(tmp_path):
    with pytest.raises(AttributeError):
        write_archive(tmp_path / "a", Image(reference="x:1", layers=({"file": "not an entry"},)))
    assert not list(tmp_path.glob("a.layer*"))

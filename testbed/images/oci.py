# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes container images as OCI layout archives, with the standard library only.

Equal input gives equal bytes: no time, no user name and no order of the file system gets in. Layers are not compressed;
an import reads them faster than it would unpack them. Source: OCI Image Format Specification 1.1.
"""
from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import stat
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"


@dataclass(frozen=True)
class Entry:
    """One entry of a layer: a file (``data``), a link (``link``), or a folder (neither)."""

    data: bytes | None
    mode: int = 0o644
    link: str | None = None
    owner: int = 0


Layer = Mapping[str, Entry] | Path


@dataclass(frozen=True)
class Image:
    """reference: full name with tag, such as ``docker.io/gatewayops/pause:1``.
    layers: each a mapping of path (no leading slash) to :class:`Entry`, or a folder whose content is taken as it is.
    user: numeric, ``uid:gid``; empty means root.
    """

    reference: str
    layers: tuple[Layer, ...]
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    working_folder: str = "/"
    ports: tuple[int, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


class _Hashing(io.RawIOBase):
    """Passes on what is written, counts it and takes its digest."""

    def __init__(self, inner: IO[bytes]) -> None:
        self._inner = inner
        self.digest = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.size

    def write(self, data: Any) -> int:
        self.digest.update(data)
        self.size += len(data)
        self._inner.write(data)
        return len(data)


def _member(name: str, mode: int, owner: int = 0) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.mode, member.uid, member.gid, member.mtime = mode, owner, owner, 0
    return member


def _parents(names: Iterator[str] | list[str]) -> list[str]:
    found = {str(parent) for name in names for parent in PurePosixPath(name).parents}
    return sorted(found - {".", ""})


def _write_mapping(archive: tarfile.TarFile, layer: Mapping[str, Entry]) -> None:
    entries = {**{name: Entry(None, 0o755) for name in _parents(list(layer))}, **layer}
    for name, entry in sorted(entries.items()):
        member = _member(name, entry.mode, entry.owner)
        if entry.link is not None:
            member.type, member.linkname = tarfile.SYMTYPE, entry.link
            archive.addfile(member)
        elif entry.data is None:
            member.type = tarfile.DIRTYPE
            archive.addfile(member)
        else:
            member.size = len(entry.data)
            archive.addfile(member, io.BytesIO(entry.data))


def _write_folder(archive: tarfile.TarFile, root: Path) -> None:
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted([*folders, *files]):
            path = Path(folder) / name
            status = path.lstat()
            member = _member(path.relative_to(root).as_posix(), stat.S_IMODE(status.st_mode))
            member.uid, member.gid = status.st_uid, status.st_gid
            if stat.S_ISLNK(status.st_mode):
                member.type, member.linkname = tarfile.SYMTYPE, os.readlink(path)
                archive.addfile(member)
            elif stat.S_ISDIR(status.st_mode):
                member.type = tarfile.DIRTYPE
                archive.addfile(member)
            elif stat.S_ISREG(status.st_mode):
                member.size = status.st_size
                with path.open("rb") as content:
                    archive.addfile(member, content)


def write_layer(stream: IO[bytes], layer: Layer) -> tuple[str, int]:
    """Write one layer; its SHA-256 in hexadecimal digits and its size in bytes. Devices and sockets are left out."""
    hashing = _Hashing(stream)
    with tarfile.open(fileobj=hashing, mode="w", format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
        if isinstance(layer, Path):
            _write_folder(archive, layer)
        else:
            _write_mapping(archive, layer)
    return hashing.digest.hexdigest(), hashing.size


def _configuration(image: Image, layers: list[str]) -> dict[str, Any]:
    return {
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()), "os": "linux",
        "config": {
            "User": image.user, "WorkingDir": image.working_folder,
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                    *(f"{name}={value}" for name, value in sorted(image.environment.items()))],
            "Entrypoint": list(image.entrypoint), "Cmd": list(image.command),
            "ExposedPorts": {f"{port}/tcp": {} for port in image.ports}, "Labels": dict(sorted(image.labels.items())),
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in layers]},
        "history": [{"created_by": "testbed.images"} for _ in layers],
    }


def write_archive(path: Path, *images: Image) -> str:
    """Write the OCI layout as one tar file; a layer that images share is in it once.

    Returns the digest of the first image's manifest (``sha256:...``).
    """
    spools: dict[str, tuple[str, int, Path]] = {}
    try:
        # By identity: the same object is the same content, and need not be read again to find that out.
        for layer in {id(layer): layer for image in images for layer in image.layers}.values():
            spool = path.with_name(f"{path.name}.layer{len(spools)}")
            spools[id(layer)] = ("", 0, spool)
            with spool.open("wb") as stream:
                spools[id(layer)] = (*write_layer(stream, layer), spool)
        return _write_layout(path, [(image, [spools[id(layer)] for layer in image.layers]) for image in images])
    finally:
        for _, _, spool in spools.values():
            spool.unlink(missing_ok=True)


def _write_layout(path: Path, images: Sequence[tuple[Image, list[tuple[str, int, Path]]]]) -> str:
    small: dict[str, bytes] = {}

    def blob(value: dict[str, Any], kind: str) -> dict[str, Any]:
        data = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
        digest = hashlib.sha256(data).hexdigest()
        small[f"blobs/sha256/{digest}"] = data
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(data)}

    manifests = []
    for image, layers in images:
        config = blob(_configuration(image, [digest for digest, _, _ in layers]), CONFIG_TYPE)
        manifest = blob({
            "schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": config,
            "layers": [{"mediaType": LAYER_TYPE, "digest": f"sha256:{digest}", "size": size}
                       for digest, size, _ in layers],
        }, MANIFEST_TYPE)
        manifests.append({**manifest, "annotations": {
            # The first is containerd's full reference, the second the tag, as the specification has it.
            "io.containerd.image.name": image.reference,
            "org.opencontainers.image.ref.name": image.reference.rpartition(":")[2],
        }})
    small["index.json"] = json.dumps({"schemaVersion": 2, "manifests": manifests}, sort_keys=True).encode()
    small["oci-layout"] = b'{"imageLayoutVersion":"1.0.0"}'
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in sorted(small.items()):
            member = _member(name, 0o644)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for digest, size, spool in {layer[0]: layer for _, layers in images for layer in layers}.values():
            member = _member(f"blobs/sha256/{digest}", 0o644)
            member.size = size
            with spool.open("rb") as content:
                archive.addfile(member, content)
    return manifests[0]["digest"]

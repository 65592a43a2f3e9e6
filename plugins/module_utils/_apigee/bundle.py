# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: nothing outside gatewayops.apigee_gke may import it.
"""A proxy bundle: read from a folder or a zip, held as plain files, written as a reproducible zip."""

from __future__ import annotations

import io
import os
import re
import stat
import zipfile
from dataclasses import dataclass, field

#: Folder at the root of a bundle, by what the bundle holds.
ROOTS = ("apiproxy", "sharedflowbundle")

#: Apigee refuses a larger bundle (apigee-peers.md 5c: 15 MB, zipped).
MAXIMUM_ZIP_BYTES = 15 * 1024 * 1024

#: Unpacked size and number of files beyond which something is wrong (a zip bomb, or the wrong folder).
MAXIMUM_CONTENT_BYTES = 128 * 1024 * 1024
MAXIMUM_FILES = 10_000

#: What editors, file managers and version control leave behind. Any name that starts with a dot is left out as well.
_JUNK = re.compile(
    r"^(\..*|__MACOSX|__pycache__|node_modules|Thumbs\.db|desktop\.ini|.*~|.*\.(swp|swo|bak|orig|rej|pyc))$", re.I
)

#: The earliest time a zip can hold. Every entry carries it, so that equal files give equal bytes.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


class BundleError(Exception):
    """The bundle cannot be read at all. ``problems`` holds every reason found, as sentences."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Bundle:
    """Files of a bundle by their path (``apiproxy/policies/Quota.xml``), always with forward slashes."""

    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def root(self) -> str:
        """``apiproxy`` or ``sharedflowbundle``."""
        return next((name for name in ROOTS if any(path.startswith(name + "/") for path in self.files)), ROOTS[0])

    @property
    def descriptors(self) -> list[str]:
        """Paths of the files that can be the root descriptor: XML directly below the root folder. One is right."""
        return sorted(path for path in self.files if path.count("/") == 1 and path.lower().endswith(".xml"))

    @property
    def descriptor(self) -> str | None:
        """Path of the root descriptor, if there is exactly one."""
        return self.descriptors[0] if len(self.descriptors) == 1 else None

    def below(self, folder: str) -> dict[str, bytes]:
        """Return the XML files of ``folder`` (``policies``, ``proxies``, ``targets``), sorted by path."""
        prefix = f"{self.root}/{folder}/"
        return {p: self.files[p] for p in sorted(self.files) if p.startswith(prefix) and p.lower().endswith(".xml")}


def located(path: str, base: str) -> str:
    """The whole path of a bundle that is written relative to ``base``, or below somebody's home (``~``)."""
    return os.path.abspath(os.path.join(base, os.path.expanduser(path)))


def read(path: str) -> Bundle:
    """Read the bundle at ``path``: a zip file, a folder that holds ``apiproxy``, or the ``apiproxy`` folder itself.

    Raises ``BundleError`` when there is no bundle, or when it holds something that may not be followed.
    """
    if os.path.isdir(path):
        return from_folder(path)
    try:
        with open(path, "rb") as handle:
            return from_zip(handle.read(), os.path.basename(path))
    except OSError as error:
        raise BundleError([f"bundle {path} cannot be read: {error.strerror or error}"]) from None


def from_folder(path: str) -> Bundle:
    """Read a bundle from a folder. Links are followed only while they stay inside it.

    Raises ``BundleError``.
    """
    base = os.path.realpath(path)
    if os.path.basename(base) in ROOTS and not any(os.path.isdir(os.path.join(base, name)) for name in ROOTS):
        base = os.path.dirname(base)
        roots = [os.path.basename(os.path.realpath(path))]
    else:
        roots = [name for name in ROOTS if os.path.isdir(os.path.join(base, name))]
    if len(roots) != 1:
        raise BundleError([_which_root(f"folder {path}", roots)])
    files = gather(os.path.join(base, roots[0]), base, "bundle")
    if not files:
        raise BundleError([f"folder {path} holds no file below {roots[0]}/"])
    return Bundle(files)


def gather(top: str, base: str, title: str) -> dict[str, bytes]:
    """Every file below ``top`` by its path below ``base``, without junk. Links are followed while they stay in ``top``.

    ``title`` is what messages call the whole (``bundle``). Raises ``BundleError``.
    """
    files: dict[str, bytes] = {}
    problems: list[str] = []
    size = 0
    for folder, subfolders, names in os.walk(top):
        subfolders[:] = sorted(name for name in subfolders if not _JUNK.match(name))
        for name in sorted(names):
            if _JUNK.match(name):
                continue
            full = os.path.join(folder, name)
            relative = os.path.relpath(full, base).replace(os.sep, "/")
            real = os.path.realpath(full)
            if real != full and not real.startswith(top + os.sep):
                problems.append(
                    f"{relative} is a link that leads out of the {title} (to {real}); copy the file instead"
                )
                continue
            try:
                with open(full, "rb") as handle:
                    files[relative] = handle.read(MAXIMUM_CONTENT_BYTES + 1)
            except OSError as error:
                problems.append(f"{relative} cannot be read: {error.strerror or error}")
                continue
            size += len(files[relative])
            if size > MAXIMUM_CONTENT_BYTES or len(files) > MAXIMUM_FILES:
                raise BundleError([f"folder {base} is far larger than a {title} can be ({len(files)} files so far)"])
        for name in subfolders:
            full = os.path.join(folder, name)
            if os.path.islink(full):
                relative = os.path.relpath(full, base)
                problems.append(f"{relative} is a linked folder (to {os.path.realpath(full)}); copy the files instead")
    if problems:
        raise BundleError(problems)
    return files


def from_zip(data: bytes, name: str = "bundle") -> Bundle:
    """Read a bundle from the bytes of a zip; nothing is ever written to disk. ``name`` is used in messages only.

    One folder around ``apiproxy`` (as archives made from a repository have) is taken off. Raises ``BundleError``.
    """
    if len(data) > MAXIMUM_ZIP_BYTES:
        raise BundleError([f"{name} is {len(data)} bytes; Apigee accepts up to {MAXIMUM_ZIP_BYTES} (15 MB)"])
    files: dict[str, bytes] = {}
    problems: list[str] = []
    size = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > MAXIMUM_FILES:
                raise BundleError([f"{name} holds {len(entries)} files; a bundle has at most {MAXIMUM_FILES}"])
            for entry in entries:
                # orig_filename is what the archive says; zipfile cuts filename at a NUL and may rewrite separators.
                problem = _entry_problem(entry)
                if problem:
                    problems.append(f"{name}: entry {entry.orig_filename!r} {problem}")
                    continue
                if any(_JUNK.match(part) for part in entry.filename.split("/")):
                    continue
                size += entry.file_size
                if size > MAXIMUM_CONTENT_BYTES:
                    raise BundleError([f"{name} unpacks to more than {MAXIMUM_CONTENT_BYTES} bytes"])
                if entry.filename in files:
                    problems.append(f"{name}: entry {entry.filename!r} occurs twice; keep one")
                    continue
                with archive.open(entry) as handle:
                    files[entry.filename] = handle.read(entry.file_size + 1)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise BundleError([f"{name} is not a readable zip: {error}"]) from None
    except Exception as error:  # zlib.error and others of the decompressors have no common base
        if isinstance(error, BundleError):
            raise
        raise BundleError([f"{name} is not a readable zip: {error}"]) from None
    if problems:
        raise BundleError(problems)
    return Bundle(_without_wrapper(files, name))


def to_zip(bundle: Bundle) -> bytes:
    """Return the bundle as a zip whose bytes depend on paths and contents only."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(bundle.files):
            entry = zipfile.ZipInfo(path, _ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, wherever this runs
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, bundle.files[path])
    return buffer.getvalue()


def _entry_problem(entry: zipfile.ZipInfo) -> str | None:
    """Say why an entry must not be accepted, or return None."""
    path = entry.orig_filename
    if "\0" in path or "\\" in path:
        return "has a backslash or NUL in its name"
    if path.startswith("/") or re.match(r"^[A-Za-z]:", path):
        return "has an absolute path"
    if any(part in ("..", ".", "") for part in path.split("/")):
        return "has a path that leads out of the bundle"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "is a symbolic link"
    if entry.flag_bits & 0x1:
        return "is encrypted"
    return None


def _without_wrapper(files: dict[str, bytes], name: str) -> dict[str, bytes]:
    """Keep what lies below the bundle's root folder, wherever in the archive that is."""
    found: set[str] = set()
    for path in files:
        parts = path.split("/")
        for index, part in enumerate(parts[:-1][:2]):
            if part in ROOTS:
                found.add("/".join(parts[: index + 1]))
                break
    if len(found) != 1:
        raise BundleError([_which_root(name, sorted(found))])
    prefix = found.pop()
    cut = len(prefix) - len(prefix.rsplit("/", 1)[-1])
    return {path[cut:]: content for path, content in files.items() if path.startswith(prefix + "/")}


def _which_root(where: str, found: list[str]) -> str:
    if found:
        return f"{where} holds more than one bundle ({', '.join(found)}); name one of them"
    return f"{where} holds no apiproxy folder; a bundle is apiproxy/<name>.xml, apiproxy/proxies, apiproxy/targets, ..."

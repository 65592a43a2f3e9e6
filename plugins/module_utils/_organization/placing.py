# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files an export writes and removes where the content of proxies and the like stands. Private to the collection.

A folder that holds a bundle may hold more: tests, notes, a repository. Only the bundle's own files are replaced or removed, one
at a time, so that a run which is cut off leaves each of them as it was or as it is to be; the next export completes it.
"""

from __future__ import annotations

import os
import typing as t

from .._apigee import bundle as bundles
from .._google.errors import Failure
from .contents import Held
from .export import One

#: A path below the folder, and what is to be there: text, bytes, or None for nothing (of a folder: nothing without files).
Write = tuple[str, t.Any]

#: So many files are named in a message.
_NAMED = 3


def bundles_of(root: str, stem: str, group: list[One], held: dict[str, Held]) -> tuple[list[str], list[Write]]:
    """Folders and zip files below ``stem`` that change, and how. What Apigee holds and nobody could read stays.

    Raises Failure where something would be lost that is not the content of a bundle, or cannot be read.
    """
    base = os.path.join(root, stem)
    there = sorted(name for name in os.listdir(base) if name[0] != ".") if os.path.isdir(base) else []
    gone = [f"{stem}/{name}" for name in there if _called(os.path.join(base, name)) not in (None, *held)]
    files = {held[name].write: one.files for one in group if held[name := str(one.options["name"])].write}
    writes: list[Write] = []
    for path in gone:
        writes += _removed(root, path)
    for path, content in files.items():
        writes += _zip(root, path, content) if path.endswith(".zip") else _folder(root, path, content)
    return [*gone, *files], writes


def _called(path: str) -> str | None:
    """Whose content a folder or a zip file is; None for anything else."""
    name, suffix = os.path.splitext(os.path.basename(path))
    if os.path.isdir(path):
        return os.path.basename(path)
    return name if suffix == ".zip" else None


def _removed(root: str, path: str) -> list[Write]:
    """What goes where Apigee holds no such object."""
    full = os.path.join(root, path)
    if os.path.islink(full):
        return [(path, None)]
    if not os.path.isdir(full):
        _readable(path, lambda: bundles.read(full))
        return [(path, None)]
    own = [part for name in bundles.ROOTS for part in _present(root, path, name)]
    others = sorted(set(_everything(full)) - set(own))
    if others:
        raise Failure(
            f"{path} holds {_some(others)}, no part of a bundle, and Apigee holds no {os.path.basename(path)}. Nothing was "
            "changed, so that nothing is lost. Move what you want to keep out of the folder and delete the folder, or "
            "apply the folder to have it in Apigee again."
        )
    return [*((f"{path}/{part}", None) for part in own), (path, None)]


def _zip(root: str, path: str, content: bundles.Bundle) -> list[Write]:
    full = os.path.join(root, path)
    if os.path.lexists(full):
        _readable(path, lambda: bundles.read(full))
    return [(path, bundles.to_zip(content))]


def _folder(root: str, path: str, content: bundles.Bundle) -> list[Write]:
    """The files of a bundle that differ, after those that Apigee has not; what else the folder holds stays."""
    writes: list[Write] = []
    present: dict[str, bytes] = {}
    if os.path.islink(os.path.join(root, path)):
        # What it leads to is not the folder's.
        writes.append((path, None))
    else:
        for other in bundles.ROOTS:
            if other != content.root and os.path.lexists(os.path.join(root, path, other)):
                raise _unreadable(path, f"it holds {other}, and Apigee holds {content.root}")
        present = _present(root, path, content.root)
    gone = [part for part in present if part not in content.files]
    if gone:
        # Before the rest: what was a folder may have become a file.
        writes += [*((f"{path}/{part}", None) for part in gone), (f"{path}/{content.root}", None)]
    for part, data in content.files.items():
        if present.get(part) != data or os.path.islink(os.path.join(root, path, part)):
            writes.append((f"{path}/{part}", data))
    return writes


def _present(root: str, path: str, name: str) -> dict[str, bytes]:
    """The files of a bundle that a folder has below ``name``, by their path below the folder."""
    base = os.path.realpath(os.path.join(root, path))
    top = os.path.join(base, name)
    if not os.path.lexists(top):
        return {}
    if not os.path.isdir(top):
        raise _unreadable(f"{path}/{name}", "it is no folder")
    return t.cast("dict[str, bytes]", _readable(path, lambda: bundles.gather(top, base, "bundle")))


def _everything(full: str) -> list[str]:
    """Every file and link below a folder, by its path below it."""
    found = []
    for folder, subfolders, names in os.walk(full):
        links = [name for name in subfolders if os.path.islink(os.path.join(folder, name))]
        found += [os.path.relpath(os.path.join(folder, name), full).replace(os.sep, "/") for name in (*links, *names)]
    return found


def _readable(path: str, read: t.Callable[[], t.Any]) -> t.Any:
    try:
        return read()
    except bundles.BundleError as error:
        raise _unreadable(path, "; ".join(error.problems[:_NAMED])) from None


def _unreadable(path: str, why: str) -> Failure:
    return Failure(
        f"{path} is to be replaced or removed, and cannot be read as a bundle: {why}. Nothing was changed, so that nothing in it is "
        "lost. Correct it, or move it out of the folder."
    )


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")

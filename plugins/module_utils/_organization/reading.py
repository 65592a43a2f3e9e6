# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A folder with an organisation's content, as entries of the module ``resources``. Private to the collection."""

from __future__ import annotations

import dataclasses
import difflib
import os
import typing as t

from .._engine import registry
from .._engine.fields import Options
from . import layout

#: Reads a file: its data, and the line on which each item of a top-level list begins (or none).
Load = t.Callable[[str], tuple[t.Any, list[int]]]


class FolderError(Exception):
    """The folder cannot be taken as it is. ``problems`` holds every reason found, as sentences."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclasses.dataclass
class Folder:
    """A folder that is being read: its entries so far, and what is wrong with it."""

    root: str
    load: Load
    entries: list[Options] = dataclasses.field(default_factory=list)
    problems: list[str] = dataclasses.field(default_factory=list)


def read(root: str, load: Load) -> list[Options]:
    """All entries, each with ``kind`` and ``origin``. Raises FolderError with everything that is wrong."""
    if not os.path.isdir(root):
        raise FolderError([f"{root} is no folder. Export one with apigee_config_info, or correct the path."])
    folder = Folder(root, load)
    known = layout.kinds()
    files = {stem: kind for stem, kind in known.items() if not layout.must_have_environment(kind)}
    _level(folder, "", files, None)
    inside = {stem: kind for stem, kind in known.items() if layout.has_environment(kind)}
    for name in _subfolders(os.path.join(root, layout.ENVIRONMENTS)):
        _level(folder, f"{layout.ENVIRONMENTS}/{name}/", inside, name)
    for stem, kind in known.items():
        if layout.has_files(kind):
            contents(folder, stem, kind.kind)
    if folder.problems:
        raise FolderError(folder.problems)
    return folder.entries


def _subfolders(path: str) -> list[str]:
    if not os.path.isdir(path):
        return []
    return sorted(name for name in os.listdir(path) if name[0] != "." and os.path.isdir(os.path.join(path, name)))


def _level(folder: Folder, prefix: str, files: dict[str, layout.Kind], environment: str | None) -> None:
    """The files of one level of the folder."""
    expected = [stem for stem, kind in files.items() if layout.has_files(kind)] + ([layout.ENVIRONMENTS] * (not prefix))
    for name in sorted(os.listdir(os.path.join(folder.root, prefix))):
        stem, suffix = os.path.splitext(name)
        if name[0] == "." or os.path.isdir(os.path.join(folder.root, prefix, name)):
            if name[0] != "." and name not in expected:
                folder.problems.append(f"{prefix}{name}/ is not known here.{_near(name, expected)}")
        elif suffix in layout.SUFFIXES and stem not in files:
            where = " It stands in the folder of an environment." if stem in layout.kinds() and not environment else ""
            folder.problems.append(f"{prefix}{name} is not known here.{where or _near(stem, list(files), suffix)}")
        elif suffix in layout.SUFFIXES:
            _file(folder, prefix + name, files[stem], environment)


def _near(name: str, known: list[str], suffix: str = "/") -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f" Did you mean {near[0]}{suffix}?" if near else " Known are: " + ", ".join(x + suffix for x in sorted(known)) + "."


def _file(folder: Folder, path: str, kind: layout.Kind, environment: str | None) -> None:
    data, lines = folder.load(os.path.join(folder.root, path))
    if data is None:
        return
    if not isinstance(data, list):
        folder.problems.append(f"{path} holds no list. Write one entry per {kind.title}, each beginning with a dash.")
        return
    for number, entry in enumerate(data):
        origin = f"{path}:{lines[number]}" if number < len(lines) else f"{path}, entry {number + 1}"
        if not isinstance(entry, dict):
            folder.problems.append(f"{origin}: an entry is a mapping of options, found {type(entry).__name__}.")
            continue
        folder.problems += [
            f"{origin}: {option} is said by the file's place, not by the entry. Leave it out."
            for option in ("kind", *(("environment",) if environment else ()))
            if option in entry
        ]
        said = {"environment": environment} if environment else {}
        folder.entries.append({**entry, **said, "kind": kind.kind, "origin": origin})


def contents(folder: Folder, stem: str, kind: str) -> None:
    """Folders and zip files that belong to entries; one without an entry is an entry of its own."""
    own = {entry.get("name"): entry for entry in folder.entries if entry["kind"] == kind}
    for entry in own.values():
        if entry.get("bundle"):
            entry["bundle"] = os.path.join(folder.root, os.path.expanduser(str(entry["bundle"])))
    base = os.path.join(folder.root, stem)
    for name in sorted(os.listdir(base)) if os.path.isdir(base) else []:
        if name[0] == ".":
            continue
        path = os.path.join(base, name)
        called, suffix = os.path.splitext(name)
        if not os.path.isdir(path) and suffix != ".zip":
            folder.problems.append(f"{stem}/{name} is neither a folder nor a zip file.")
            continue
        called = name if os.path.isdir(path) else called
        entry = own.get(called)
        if entry is None:
            entry = own[called] = {"name": called, "kind": kind, "origin": f"{stem}/{name}"}
            folder.entries.append(entry)
        # One made from other options, or pinned, does not take what lies there.
        if not any(entry.get(option) is not None for option in ("bundle", "base_path", "revision")):
            entry["bundle"] = path


def combine(entries: list[Options], over: list[Options]) -> list[Options]:
    """Entries, with those of ``over`` laid on those of the same name; the rest of ``over`` behind them.

    Raises FolderError where an entry of ``over`` has no kind that is known.
    """
    combined = [dict(entry) for entry in entries]
    there = {_name(entry): entry for entry in combined}
    problems = []
    for number, entry in enumerate(over):
        if entry.get("kind") not in registry.KINDS:
            problems.append(f"variables, entry {number + 1}: kind is {entry.get('kind')!r}, which is not known.")
            continue
        same = there.get(_name(entry))
        if same is None:
            combined.append({"origin": f"variables, entry {number + 1}", **entry})
        else:
            same.update(_merged(same, entry))
    if problems:
        raise FolderError(problems)
    return combined


def _name(entry: Options) -> tuple[t.Any, ...]:
    return (entry["kind"], registry.load(entry["kind"]).place_of(entry))


def _merged(below: Options, above: Options) -> Options:
    merged = dict(below)
    for name, value in above.items():
        both = isinstance(value, dict) and isinstance(below.get(name), dict)
        merged[name] = _merged(below[name], value) if both else value
    return merged


def selected(entries: list[Options], kinds: t.Collection[str], environments: t.Collection[str]) -> list[Options]:
    """Those of some kinds, and those that live in some environments; all where nothing is named."""

    def lives(entry: Options) -> t.Any:
        kind = registry.load(entry["kind"])
        return entry.get("environment") if layout.has_environment(kind) else _own_name(kind, entry)

    return [
        entry
        for entry in entries
        if (not kinds or entry["kind"] in kinds) and (not environments or lives(entry) in environments)
    ]


def _own_name(kind: layout.Kind, entry: Options) -> t.Any:
    return entry.get(kind.name_option) if layout.stem(kind.kind) == layout.ENVIRONMENTS else None

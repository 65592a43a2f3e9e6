# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An export as a folder. Private to the collection.

What a folder says already in other words (comments, another order, defaults spelt out, a re-indented policy) is left as it
is, so an export after an apply changes no file, and secrets that were added to an entry stay.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
import typing as t

from .._apigee import bundle as bundles
from .._apigee import digest as digests
from .._engine import fields, plural
from .._engine.compare import empty
from .._engine.context import Context
from .._engine.fields import Options
from .._google.errors import Failure, InvalidError
from . import layout, lines
from .export import Export, One

_NAME = re.compile(r"^[^./\\\0][^/\\\0]*$")


class Change(t.NamedTuple):
    """A file that changes; texts are empty where there is none, and for files of bundles."""

    path: str
    before: str
    after: str


def write(root: str, export: Export, kinds: t.Collection[str], context: Context) -> list[Change]:
    """Bring the folder to what was exported; with ``context.check`` nothing is written. Raises Failure."""
    chosen = {stem: kind for stem, kind in layout.kinds().items() if kind.kind in kinds}
    wanted = _texts(export)
    changes = []
    for path in sorted({*wanted, *_present(root, chosen)}):
        before = _text(os.path.join(root, path))
        group = [one for one in export.objects if layout.path(type(one.resource), one.options) == path]
        if group and before is not None and _says_the_same(before, path, group, context):
            continue
        after = wanted.get(path)
        if before == after:
            continue
        if before is not None and lines.VAULT in before:
            raise Failure(
                f"{path} holds values that Ansible Vault has encrypted, and the organisation differs from it. Export into "
                "another folder and take over what you want; keep secrets in the inventory (apigee_config_resources)."
            )
        changes.append(Change(path, before or "", after or ""))
        if not context.check:
            _replace(os.path.join(root, path), after)
    for stem, kind in chosen.items():
        if layout.has_files(kind):
            changes += _bundles(root, stem, [one for one in export.objects if one.resource.kind == kind.kind], context.check)
    return sorted(changes)


def _texts(export: Export) -> dict[str, str]:
    """The text of every file with entries."""
    files: dict[str, list[One]] = {}
    for one in export.objects:
        for part in (one.resource.options.get("name"), one.options.get("environment")):
            if part and not _NAME.match(str(part)) and (layout.has_files(type(one.resource)) or part != one.resource.name):
                raise Failure(f"{one.resource.subject}: {part!r} cannot be the name of a folder.")
        files.setdefault(layout.path(type(one.resource), one.options), []).append(one)
    return {path: _file(export, path, some) for path, some in files.items()}


def _file(export: Export, path: str, some: list[One]) -> str:
    kind = type(some[0].resource)
    names = {one.resource.name for one in some}
    withheld = sorted(
        f"{one['name']}: {one['option']}" for one in export.withheld if one["kind"] == kind.kind and one["name"] in names
    )
    head = [f"# Entries of gatewayops.apigee_gke.{kind.kind}."]
    if withheld:
        head += ["# Withheld, because they are secrets or Google does not show them (state them in the inventory):"]
        head += [f"#   {line}" for line in withheld]
    entries = [layout.written(kind, one.options) for one in some]
    return "---\n" + "\n".join(head) + "\n" + lines.dump(entries)


def _present(root: str, chosen: dict[str, layout.Kind]) -> list[str]:
    """Files with entries of these kinds that the folder has."""
    found = []
    levels = [""]
    environments = os.path.join(root, layout.ENVIRONMENTS)
    if os.path.isdir(environments):
        levels += [f"{layout.ENVIRONMENTS}/{name}/" for name in sorted(os.listdir(environments)) if name[0] != "."]
    for level in levels:
        for stem in chosen:
            paths = [f"{level}{stem}{suffix}" for suffix in layout.SUFFIXES]
            found += [path for path in paths if os.path.isfile(os.path.join(root, path))]
    return found


def _text(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{path} cannot be read: {error}.") from None


def _says_the_same(text: str, path: str, group: list[One], context: Context) -> bool:
    """Whether applying a file would change nothing, and it declares exactly what was found."""
    try:
        entries = lines.without_secrets(text)
        kind = type(group[0].resource)
        environment = group[0].options.get("environment") if path.startswith(layout.ENVIRONMENTS + "/") else None
        said = {"kind": kind.kind, **({"environment": environment} if environment else {})}
        if layout.has_files(kind):
            # Which content they have is another question.
            told = [layout.written(kind, one.options) for one in group]
            return [_without_content(entry) for entry in entries] == [_without_content(entry) for entry in told]
        stated = plural.validate([{**entry, **said} for entry in entries])
    except (ValueError, TypeError, AttributeError, InvalidError):
        return False
    found = {one.resource.place(): one for one in group}
    if sorted(kind.place_of(options) for _kind, options in stated) != sorted(found):
        return False
    for _kind, options in stated:
        one = found[kind.place_of(options)]
        resource = kind({**one.resource.options, **fields.prune(options)}, context)
        if resource.validate() or resource.difference(one.document) or not set(one.options) <= set(resource.options):
            return False
    return True


def _without_content(entry: Options) -> Options:
    return {name: value for name, value in entry.items() if name != "bundle" and not empty(value)}


def _bundles(root: str, stem: str, some: list[One], check: bool) -> list[Change]:
    """Folders with the files of proxies and the like."""
    changes = []
    base = os.path.join(root, stem)
    wanted = {str(one.resource.options["name"]): one for one in some if one.files is not None}
    there = sorted(name for name in os.listdir(base) if name[0] != ".") if os.path.isdir(base) else []
    for name in there:
        if name not in wanted:
            changes.append(Change(f"{stem}/{name}", "", ""))
            if not check:
                _remove(os.path.join(base, name))
    for name, one in wanted.items():
        folder = os.path.join(base, name)
        if _holds(folder, one.files, name):
            continue
        changes.append(Change(f"{stem}/{name}", "", ""))
        if check:
            continue
        _remove(folder)
        for path, content in one.files.files.items():
            _replace(os.path.join(folder, path), content)
    return changes


def _holds(folder: str, content: bundles.Bundle, name: str) -> bool:
    try:
        return digests.digest(bundles.from_folder(folder), name) == digests.digest(content, name)
    except (bundles.BundleError, ValueError, OSError):
        return False


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def _replace(path: str, content: str | bytes | None) -> None:
    """Write a file so that whoever looks sees the old one or the new one, whole."""
    if content is None:
        _remove(path)
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    data = content.encode("utf-8") if isinstance(content, str) else content
    handle, temporary = tempfile.mkstemp(prefix=".", dir=os.path.dirname(path))
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, _mode(path))
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _mode(path: str) -> int:
    """Who may read a file stays as it is; of a new one, as whoever runs it lets new files be read: it may hold secrets."""
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except FileNotFoundError:
        mask = os.umask(0o077)
        os.umask(mask)
        return 0o666 & ~mask

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
import stat
import tempfile
import typing as t

from .._engine.context import Context
from .._engine.fields import Options
from .._google.errors import Failure
from . import contents, keeping, layout, lines, placing
from .export import Export, One

_NAME = re.compile(r"^[^./\\\0][^/\\\0]*$")


class Change(t.NamedTuple):
    """A file that changes; texts, without secrets, are empty where there is none, and for files of bundles."""

    path: str
    before: str
    after: str


class Written(t.NamedTuple):
    """What changed, and by kind and name the options that say where content stands now."""

    changes: list[Change]
    contents: dict[tuple[str, str], Options]


class _File(t.NamedTuple):
    """Entries of one kind on one level of the folder: one file, or several that differ in how they end."""

    kind: layout.Kind
    path: str
    texts: dict[str, str]
    #: None: Ansible Vault has encrypted the file as a whole.
    entries: list[Options] | None

    @property
    def environment(self) -> str | None:
        """Whose folder it stands in."""
        parts = self.path.split("/")
        return parts[1] if parts[0] == layout.ENVIRONMENTS and len(parts) > 2 else None

    def said(self) -> dict[tuple[str, ...], Options]:
        """Its entries, by what tells them apart."""
        return dict(self.placed())

    def placed(self) -> list[tuple[tuple[str, ...], Options]]:
        """Its entries, with what is to tell them apart."""
        where = {"environment": self.environment} if self.environment else {}
        said = [{**entry, **where} for entry in self.entries or []]
        return [(self.kind.place_of(keeping.valid(self.kind, entry) or entry), entry) for entry in said]


def write(root: str, export: Export, kinds: t.Collection[str], context: Context) -> Written:
    """Bring the folder to what was exported; with ``context.check`` nothing is written. Raises Failure."""
    chosen = {stem: kind for stem, kind in layout.kinds().items() if kind.kind in kinds}
    groups = _groups(export)
    always = [stem + layout.SUFFIXES[0] for stem, kind in chosen.items() if layout.has_files(kind)]
    written = Written([], {})
    writes: list[placing.Write] = []
    for path in sorted({*groups, *_present(root, chosen), *always}):
        file = _read(root, path, chosen[os.path.splitext(os.path.basename(path))[0]])
        group = groups.get(path, [])
        held: dict[str, contents.Held] = {}
        if path in always:
            held = contents.compare(root, file.kind, file.entries or [], group, context)
            written.contents.update({(file.kind.kind, name): one.sources for name, one in held.items()})
        if not _says_the_same(root, file, group, held, context):
            changes, work = _rewrite(file, export, group, held, context)
            written.changes.extend(changes)
            writes.extend(work)
        if path in always:
            paths, work = placing.bundles_of(root, layout.stem(file.kind.kind), group, held)
            written.changes.extend(Change(changed, "", "") for changed in paths)
            writes.extend(work)
    # Nothing is written before everything could be told.
    for path, content in () if context.check else writes:
        try:
            _replace(os.path.join(root, path), content)
        except OSError as error:
            raise Failure(f"{path} cannot be written: {error.strerror or error}. Export again when it can.") from None
    return Written(sorted(written.changes), written.contents)


def _groups(export: Export) -> dict[str, list[One]]:
    """What was found, by the file that it stands in."""
    groups: dict[str, list[One]] = {}
    for one in export.objects:
        for part in (one.resource.options.get("name"), one.options.get("environment")):
            if part and not _NAME.match(str(part)) and (layout.has_files(type(one.resource)) or part != one.resource.name):
                raise Failure(f"{one.resource.subject}: {part!r} cannot be the name of a folder.")
        groups.setdefault(layout.path(type(one.resource), one.options), []).append(one)
    return groups


def _present(root: str, chosen: dict[str, layout.Kind]) -> list[str]:
    """Files with entries of these kinds that the folder has, as an export would name them."""
    found = []
    levels = [""]
    environments = os.path.join(root, layout.ENVIRONMENTS)
    if os.path.isdir(environments):
        levels += [f"{layout.ENVIRONMENTS}/{name}/" for name in sorted(os.listdir(environments)) if name[0] != "."]
    for level in levels:
        for stem in chosen:
            if any(os.path.isfile(os.path.join(root, f"{level}{stem}{suffix}")) for suffix in layout.SUFFIXES):
                found.append(f"{level}{stem}{layout.SUFFIXES[0]}")
    return found


def _read(root: str, path: str, kind: layout.Kind) -> _File:
    """What the folder has of a file, however it ends. Raises Failure where it is not readable, which would lose it."""
    texts = {}
    for suffix in layout.SUFFIXES:
        name = os.path.splitext(path)[0] + suffix
        text = _text(os.path.join(root, name))
        if text is not None:
            texts[name] = text
    entries: list[Options] | None = []
    for name, text in texts.items():
        if text.startswith(lines.VAULT):
            entries = None
        elif entries is not None:
            entries = entries + _entries(name, text)
    return _File(kind, path, texts, entries)


def _entries(name: str, text: str) -> list[Options]:
    """What a file says. An error names the place only: the text may hold secrets."""
    try:
        data = lines.without_secrets(text) or []
    except ValueError as error:
        raise Failure(_unreadable(name, f"it is no YAML ({error})")) from None
    if not isinstance(data, list) or not all(isinstance(entry, dict) for entry in data):
        raise Failure(_unreadable(name, "it is no list of entries"))
    return data


def _unreadable(name: str, why: str) -> str:
    return (
        f"{name} cannot be read: {why}. Nothing was changed, so that nothing in it is lost. "
        "Correct the file, or move it out of the folder."
    )


def _text(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{path} cannot be read: {error}.") from None


def _says_the_same(
    root: str, file: _File, group: list[One], held: dict[str, contents.Held], context: Context
) -> bool:
    """Whether applying a file would change nothing, and it declares exactly what was found."""
    if file.entries is None:
        return False
    found = {one.resource.place(): one for one in group}
    if layout.has_files(file.kind):
        # Which content they have is another question; a folder without an entry is one.
        stated = contents.declared(root, file.kind, file.entries)
        said = {file.kind.place_of(entry) for entry in stated if entry.get("state") != "absent"}
        named = {file.kind.place_of(entry) for entry in file.entries if entry.get("state") != "absent"}
        return named <= set(found) <= said and all(one.options for one in held.values())
    entries = file.said()
    if not set(found) <= set(entries):
        return False
    return all(
        keeping.says(found[place], entry, context) if place in found else keeping.absent(entry)
        for place, entry in entries.items()
    ) and len(entries) == len(file.entries)


def _rewrite(
    file: _File, export: Export, group: list[One], held: dict[str, contents.Held], context: Context
) -> tuple[list[Change], list[placing.Write]]:
    """One file, in words of the export where it says something else; what else the folder has of it goes."""
    if any(lines.VAULT in text for text in file.texts.values()):
        raise Failure(
            f"{' and '.join(file.texts)} holds values that Ansible Vault has encrypted, and the organisation differs from it. "
            "Export into another folder and take over what you want; keep secrets in the inventory (apigee_config_resources)."
        )
    after = _rendered(file, export, group, held, context)
    # Nobody expects YAML in a file that says it is JSON; what else it is called stays.
    names = [name for name in file.texts if not name.endswith(".json")]
    wanted = {**dict.fromkeys(file.texts), **({(names or [file.path])[0]: after} if after is not None else {})}
    writes = [(path, text) for path, text in wanted.items() if text != file.texts.get(path)]
    shown = [
        Change(path, keeping.shown(file.kind, file.texts.get(path)), keeping.shown(file.kind, text)) for path, text in writes
    ]
    return shown, writes


def _rendered(
    file: _File, export: Export, group: list[One], held: dict[str, contents.Held], context: Context
) -> str | None:
    """The text of a file: entries that say what was found stay, the others say it in words of the export.

    None where nothing is left to say. Raises Failure where a secret would not be said any more.
    """
    said = file.said()
    kept: dict[tuple[str, ...], Options] = {}
    for one in group:
        place = one.resource.place()
        entry = said.pop(place, {})
        if layout.has_files(file.kind):
            kept[place] = contents.laid_over(one, entry, held[str(one.options["name"])])
        else:
            kept[place] = keeping.laid_over(one, entry, " and ".join(file.texts), context)
    kept.update({place: entry for place, entry in said.items() if keeping.absent(entry)})
    entries = list(kept.values())
    _refuse_losses(file, kept)
    if not entries:
        return None
    names = {one.resource.name for one in group}
    withheld = sorted(
        f"{one['name']}: {one['option']}" for one in export.withheld if one["kind"] == file.kind.kind and one["name"] in names
    )
    head = [f"# Entries of gatewayops.apigee_gke.{file.kind.kind}."]
    if withheld:
        head += ["# Withheld, because they are secrets or Google does not show them (state them in the inventory):"]
        head += [f"#   {line}" for line in withheld]
    return "---\n" + "\n".join(head) + "\n" + lines.dump([layout.written(file.kind, entry) for entry in entries])


def _refuse_losses(file: _File, kept: dict[tuple[str, ...], Options]) -> None:
    """Raise Failure where an entry holds a secret that is not kept: Google does not give it back."""
    for place, entry in file.placed():
        lost = keeping.lost(file.kind, entry, kept.get(place))
        if not lost:
            continue
        holds = "nothing that it goes with" if place in kept else f"no such {file.kind.title}"
        raise Failure(
            f"{' and '.join(file.texts)} states {', '.join(lost)} of {'/'.join(part for part in place if part)}, and Google holds "
            f"{holds}. Nothing was changed, so that no secret is lost. Apply the folder to have it in Apigee again, or "
            "take the option or the entry out of the file, or export into another folder and take over what you want."
        )


def _remove(path: str) -> None:
    """Remove a file or a link; of a folder nothing but folders without files, so that nobody's file goes with it."""
    if not os.path.isdir(path) or os.path.islink(path):
        if os.path.lexists(path):
            os.unlink(path)
        return
    for folder, _subfolders, _names in os.walk(path, topdown=False):
        if not os.listdir(folder):
            os.rmdir(folder)


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

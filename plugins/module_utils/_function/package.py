# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A function's source: files, one digest of them, and the zip that is uploaded. Private to the collection.

Google does not give a function's source back in a comparable form, so the digest is kept beside the function: it depends
on paths and contents alone, and so do the bytes of the zip.
"""

from __future__ import annotations

import hashlib
import os
import pkgutil
import typing as t

from .. import _forwarding
from .._apigee import bundle
from .._apigee.digest import DIGITS
from .._forwarding import function, headers, names, settings, targets, upstream

Files = t.Mapping[str, bytes]

#: What the forwarding function is called in its own source, and what the framework is told to serve.
ENTRY_POINT = "forward"
#: The Python that the function is written for and tried with (functions v2 name of the runtime).
RUNTIME = "python311"
#: Where the authority of the upstream's certificate stands in it.
AUTHORITY = "forwarding/upstream-ca.pem"
FRAMEWORK = "functions-framework==3.10.2"

#: Imported, so that Ansible packs them with every module that may have to deploy them.
PARTS = (function, headers, names, settings, targets, upstream)

_INIT = """\
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""

_MAIN = '''\
"""What the functions-framework loads. Settings are checked here, at import: a wrong one stops the start."""

import os

from forwarding.function import build

forward = build(os.environ)
'''


def forwarding() -> dict[str, bytes]:
    """The forwarding function's source by path, from wherever this collection lies: a folder or a module's own zip."""
    files = {
        "main.py": _MAIN.encode(),
        "requirements.txt": f"{FRAMEWORK}\n".encode(),
        "forwarding/__init__.py": _INIT.encode(),
    }
    for part in PARTS:
        name = part.__name__.rsplit(".", 1)[-1] + ".py"
        files[f"forwarding/{name}"] = pkgutil.get_data(_forwarding.__name__, name) or b""
    return files


def folder(path: str) -> dict[str, bytes]:
    """The files of a user's own function by path, without what version control and editors leave behind.

    Raises ``BundleError``.
    """
    base = os.path.realpath(os.path.expanduser(path))
    if not os.path.isdir(base):
        raise bundle.BundleError([f"source {path} is no folder"])
    files = bundle.gather(base, base, "function's source")
    if not files:
        raise bundle.BundleError([f"source {path} holds no file"])
    return files


def digest(files: Files) -> str:
    """``DIGITS`` lower-case hexadecimal digits that say what the files are: a label's value can hold them."""
    total = hashlib.sha256()
    for path in sorted(files):
        total.update(f"{path}\0{len(files[path])}\0".encode() + files[path])
    return total.hexdigest()[:DIGITS]


def archive(files: Files) -> bytes:
    """The files as a zip; equal files give equal bytes."""
    return bundle.to_zip(bundle.Bundle(dict(files)))

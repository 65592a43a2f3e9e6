# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidecar core as text, from wherever this collection lies: a checkout or an installation.

Private to this collection.
"""

from __future__ import annotations

import hashlib
import os

from .. import _sidecar


def read() -> dict:
    """``files`` (path inside the package to text) and ``digest`` of all of them. Raises OSError."""
    root = os.path.dirname(os.path.abspath(_sidecar.__file__))
    files = {}
    for folder, _folders, names in os.walk(root):
        for name in names:
            if name.endswith(".py"):
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as stream:
                    files[os.path.relpath(path, root).replace(os.sep, "/")] = stream.read()
    total = hashlib.sha256()
    for path in sorted(files):
        total.update(f"{path}\0{files[path]}\0".encode())
    return {"files": dict(sorted(files.items())), "digest": total.hexdigest()}

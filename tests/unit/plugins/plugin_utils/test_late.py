# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter files import their code late: a file that is only looked through costs nothing, and every filter is there."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.plugin_utils.late import MODULE_UTILS, Late

FILTERS = "ansible_collections.gatewayops.apigee_gke.plugins.filter"
FILES = sorted(
    path.stem
    for path in (Path(__file__).resolve().parents[4] / "plugins" / "filter").glob("*.py")
    if path.stem != "__init__"
)


@pytest.mark.parametrize("file", FILES)
def test_every_filter_that_comes_late_is_there(file: str) -> None:
    filters = importlib.import_module(f"{FILTERS}.{file}").FilterModule().filters()
    assert filters
    for name, function in filters.items():
        if function.__module__.startswith(MODULE_UTILS):
            late = getattr(importlib.import_module(function.__module__), function.__name__, None)
            assert callable(late), f"{name} in {file}.py: {function.__module__} has no {function.__name__}"


def test_files_that_are_looked_through_import_nothing_of_ours() -> None:
    late = ["api_gateway", "certificates", "site", "tls_sidecar", "webhook"]
    program = (
        "import importlib, json, sys\n"
        f"sys.path[:0] = {sys.path!r}\n"
        f"[importlib.import_module('{FILTERS}.' + file).FilterModule().filters() for file in {late!r}]\n"
        f"print(json.dumps([name for name in sys.modules if name.startswith('{MODULE_UTILS}.')]))\n"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(finished.stdout) == []


def test_a_call_is_that_of_the_module() -> None:
    shown = Late("_declaration.manifests")
    assert shown.kubeconfig.__name__ == "kubeconfig"
    with pytest.raises(AttributeError):
        shown.no_such_filter()

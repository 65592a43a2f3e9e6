# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Code of filters that is imported when a filter is called. Private to this collection.

To find one filter Ansible loads the filter files of the collection, in the process of each task again, and compiles
what they import each time: it keeps no bytecode of collections. That took a quarter of a first run's processor time.
"""

from __future__ import annotations

import importlib
import typing

MODULE_UTILS = "ansible_collections.gatewayops.apigee_gke.plugins.module_utils"


class Late:
    """Stands for a module of ``module_utils``: its attributes are functions that import it when they are called."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> typing.Callable:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        module = f"{MODULE_UTILS}.{self._name}"

        def called(*arguments: typing.Any, **named: typing.Any) -> typing.Any:
            return getattr(importlib.import_module(module), attribute)(*arguments, **named)

        called.__module__, called.__name__ = module, attribute
        return called

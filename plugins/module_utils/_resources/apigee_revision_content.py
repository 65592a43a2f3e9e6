# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a proxy or a shared flow should hold: the user's bundle, or a proxy made from three facts. Private to the collection."""

from __future__ import annotations

import re

from .._apigee import bundle as bundles
from .._apigee import digest as digests
from .._apigee import generate, generate_policies
from .._apigee import validate as validation
from .._engine.fields import Options

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$")


class Content:
    """The wanted content, read or made when first asked for. ``collection`` is ``apis`` or ``sharedflows``."""

    def __init__(self, options: Options, collection: str) -> None:
        self.options = options
        self.root = {"apis": "apiproxy", "sharedflows": "sharedflowbundle"}[collection]
        self.name = str(options.get("name"))
        self._bundle: bundles.Bundle | None = None
        self._digest = ""

    def bundle(self) -> bundles.Bundle | None:
        """The wanted content, None for a pinned revision. Raises BundleError."""
        if self._bundle is None:
            if self.options.get("bundle"):
                self._bundle = bundles.read(str(self.options["bundle"]))
            elif self.options.get("base_path"):
                self._bundle = generate.generate(
                    self.name,
                    str(self.options["base_path"]),
                    self.options.get("target_servers") or (),
                    self.options.get("target_url"),
                    self.options.get("target_path"),
                    self.options.get("description"),
                    self.options.get("target_properties"),
                    self.options.get("spike_arrest"),
                    self.options.get("quota"),
                    self.options.get("target_host"),
                )
        return self._bundle

    def digest(self) -> str:
        """Digest of the wanted content; empty where there is none that can be read (as when it is only removed)."""
        if not self._digest:
            try:
                content = self.bundle()
            except (bundles.BundleError, ValueError):
                return ""
            self._digest = digests.digest(content, self.name) if content else ""
        return self._digest

    def base_paths(self) -> list[str]:
        """Base paths of the wanted content."""
        content = self.bundle()
        return validation.base_paths(content) if content else []

    def target_servers(self) -> list[str]:
        """Target servers that the wanted content uses."""
        content = self.bundle()
        return validation.target_servers(content) if content else []

    def advice(self) -> list[str]:
        """What in the wanted content works and should not stay so."""
        if not self.digest():
            return []
        content = self.bundle()
        return [str(finding) for finding in validation.advice(content)] if content else []

    def problems(self) -> list[str]:
        """Everything that is wrong with the bundle and the options, before anything is sent."""
        problems = []
        if not _NAME.match(self.name):
            problems.append(f"name is {self.name!r}. Use letters, digits, dots, dashes and underscores.")
        if not any(self.options.get(source) is not None for source in ("bundle", "base_path", "revision")):
            generated = " base_path with target_servers," if self.root == "apiproxy" else ""
            problems.append(f"its content is missing: state bundle,{generated} or revision.")
        base_path = self.options.get("base_path")
        targets = self.options.get("target_servers") or self.options.get("target_url")
        if base_path is not None and not str(base_path).startswith("/"):
            problems.append(f"base_path is {base_path!r}. Write /{base_path}.")
        if base_path and not targets:
            problems.append("base_path is stated, but neither target_servers nor target_url: state where requests go.")
        if targets and not base_path:
            problems.append("target_servers and target_url belong to a generated proxy: state base_path too.")
        problems += generate_policies.problems(self.options.get("spike_arrest"), self.options.get("quota"))
        for option in ("spike_arrest", "quota", "target_host"):
            if self.options.get(option) and not base_path:
                problems.append(f"{option} belongs to a generated proxy: state base_path too, or put it into the bundle.")
        if problems:
            return problems
        try:
            content = self.bundle()
        except bundles.BundleError as error:
            return error.problems
        if content and content.root != self.root:
            return [f"bundle {self.options['bundle']} holds {content.root}, not {self.root}."]
        return [str(finding) for finding in validation.validate(content)] if content else []

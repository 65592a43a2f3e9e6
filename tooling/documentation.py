# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation gate: modules, roles and plugins by antsibull-docs; links between our own pages by looking."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tooling.prepare import COLLECTIONS, ROOT, VENV
from tooling.steps import StepFailed, run

LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def main() -> None:
    """Exit 1 with every finding."""
    findings = broken_links()
    collection = COLLECTIONS / "gatewayops" / "apigee_gke"
    try:
        run(
            [
                str(VENV / "bin" / "antsibull-docs"),
                "lint-collection-docs",
                "--plugin-docs",
                "--skip-rstcheck",
                str(collection),
            ]
        )
    except StepFailed as failure:
        findings.append(str(failure))
    print("\n".join(findings) if findings else "documentation: no findings")
    sys.exit(1 if findings else 0)


def broken_links() -> list[str]:
    """Return relative links in our Markdown pages that lead nowhere, each with its page."""
    findings = []
    for name in run(["git", "ls-files", "*.md"], cwd=ROOT).splitlines():
        page = ROOT / name
        for target in LINK.findall(CODE.sub("", page.read_text())):
            if "://" not in target and not target.startswith("mailto:") and not (page.parent / Path(target)).exists():
                findings.append(f"{name}: {target} does not exist")
    return findings


if __name__ == "__main__":
    main()

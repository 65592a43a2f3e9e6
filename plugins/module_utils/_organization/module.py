# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole of the module ``apigee_config_info``: options in, result out. Private to the collection."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from .._engine import main, registry, spec
from .._google.errors import Failure
from . import export, layout, lines, writing


def run() -> None:
    """Read, write the folder if there is to be one, and tell."""
    module = AnsibleModule(
        argument_spec={
            **spec.common(),
            "organization": {"type": "str"},
            "kinds": {"type": "list", "elements": "str", "default": []},
            "values": {"type": "bool", "default": False},
            "dest": {"type": "path"},
        },
        supports_check_mode=True,
    )
    dest = module.params["dest"]
    if dest and lines.yaml is None:
        module.fail_json(msg=missing_required_lib("PyYAML", reason="to write dest"))
    kinds = module.params["kinds"] or export.kinds()
    unknown = [kind for kind in kinds if kind not in export.kinds()]
    if unknown:
        module.fail_json(msg=f"kinds: {', '.join(unknown)} cannot be exported. There are: {', '.join(export.kinds())}.")
    context = main.open_context(module)
    result: dict[str, t.Any] = {}
    failure: Failure | None = None
    try:
        found = export.read(context, _common(module), kinds, bool(dest), {"values": module.params["values"]})
        result = {"resources": found.entries, "withheld": found.withheld, "untold": found.untold, "changed": False}
        if dest:
            changes, contents = writing.write(dest, found, kinds, context)
            for entry in result["resources"]:
                if layout.has_files(registry.load(entry["kind"])):
                    entry.pop("revision", None)
                    entry.update(contents[entry["kind"], entry["name"]])
            result.update(changed=bool(changes), files=[change.path for change in changes])
            if module._diff:  # pylint: disable=protected-access
                result["diff"] = [
                    {"before_header": one.path, "after_header": one.path, "before": one.before, "after": one.after}
                    for one in changes
                ]
    except Failure as error:
        failure = error
    if failure:
        main.fail(module, failure)
    result["requests"] = {"reads": context.client.sent}
    module.exit_json(**result)


def _common(module: AnsibleModule) -> dict[str, t.Any]:
    return {"project": module.params["project"], "organization": module.params["organization"]}

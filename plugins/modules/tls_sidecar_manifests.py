#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tls_sidecar_manifests
short_description: Give manifests the TLS sidecar without a cluster, and explain
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Takes manifests from files or as data, and returns them with the TLS sidecar where the annotation
    C(tls-sidecar.gatewayops.io/service) of a pod asks for it; exactly what the admission webhook or policy would add.
  - Made for GitOps (with O(dest) the result is written to a file to be reviewed and committed) and for finding out
    why a pod has no sidecar, or is refused.
  - The annotation C(tls-sidecar.gatewayops.io/gateway) asks for an Edge Microgateway beside the application, alone or behind the
    TLS sidecar. All that is said here of the sidecar holds for it too.
  - Adds only, and a second time nothing. Needs no access to a cluster or to Google.
options:
  state:
    description:
      - With V(present) the sidecar is added, with V(absent) taken back, as far as the annotation
        C(tls-sidecar.gatewayops.io/status) says that it was added.
      - The annotations that ask for the sidecar stay in either case. A cluster that injects gives such pods another one.
    type: str
    choices: [present, absent]
    default: present
  paths:
    description: Files with manifests in YAML or JSON, any number of documents each.
    type: list
    elements: path
  definitions:
    description:
      - Manifests as data, after those of O(paths).
      - Not logged, as there may be Secrets among them.
    type: list
    elements: dict
  namespace:
    description: Namespace of manifests that name none.
    type: str
    default: default
  defaults:
    description:
      - What holds where a pod's annotations say nothing. Give what the cluster's webhook has, so that both say the same.
    type: dict
    default: {}
    suboptions:
      values:
        description: Settings by the annotation's name without prefix, for instance C(port) or C(engine).
        type: dict
        default: {}
      namespaces:
        description: The same by namespace; they win over O(defaults.values).
        type: dict
        default: {}
      images:
        description: Image by engine, and C(edge-microgateway).
        type: dict
        default: {}
      image_prefixes:
        description: What images must begin with; any image is admitted when empty.
        type: list
        elements: str
        default: []
      excluded_namespaces:
        description: Namespaces that are never touched, besides the system's.
        type: list
        elements: str
        default: []
      kubernetes_version:
        description: Version of the cluster. Before 1.29 the sidecar is a plain container, before 1.30 waits run C(sleep).
        type: str
        default: "1.36"
      timing:
        description: Seconds from which the drain window is computed; what is not given has its planning value.
        type: dict
        default: {}
        suboptions:
          propagation:
            description: From the deletion of a pod until its name no longer gives its address.
            type: int
          record_ttl:
            description: TTL of the record.
            type: int
          gateway_cache:
            description: Longest time the gateway keeps an answer beyond that.
            type: int
          connect:
            description: The gateway's limit for connecting.
            type: int
          idle:
            description: How long the gateway keeps idle connections.
            type: int
          request:
            description: The longest request.
            type: int
          margin:
            description: Added to each result.
            type: int
  dest:
    description: File to write the resulting manifests to, as one YAML document each.
    type: path
extends_documentation_fragment:
  - gatewayops.apigee_gke.attributes
seealso:
  - plugin: gatewayops.apigee_gke.inject_tls_sidecar
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Say why these pods get a sidecar, or not
  gatewayops.apigee_gke.tls_sidecar_manifests:
    paths: [orders.yaml]
    namespace: shop
  register: sidecars

- name: Show it
  ansible.builtin.debug:
    var: sidecars.explanation

- name: Take the sidecar out of what was written
  gatewayops.apigee_gke.tls_sidecar_manifests:
    paths: [rendered/orders.yaml]
    state: absent
    dest: rendered/orders.yaml

- name: Write manifests that need no webhook
  gatewayops.apigee_gke.tls_sidecar_manifests:
    paths: [orders.yaml]
    defaults:
      kubernetes_version: "1.33"
      values: {port: 9443}
    dest: rendered/orders.yaml
"""

RETURN = r"""
manifests:
  description:
    - All manifests, those of a List one by one.
    - Secrets are left out here and hidden in diffs; O(dest) has them.
  returned: success
  type: list
  elements: dict
explanation:
  description: What became of each pod or workload, in words.
  returned: always
  type: list
  elements: str
  sample:
    - "Deployment shop/orders: gets the sidecar"
results:
  description: What became of each manifest.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Kind, namespace and name.
      type: str
      sample: Deployment shop/orders
    verdict:
      description:
        - V(injected), V(completed) (the sidecar was there, something else was missing), V(unchanged), V(skipped),
          V(refused), V(removed), or V(other) for manifests without a pod.
      type: str
      sample: injected
    reason:
      description: Why it was skipped or refused.
      type: str
      sample: tls-sidecar.gatewayops.io/service is not set
    warnings:
      description: What a user should know though the pod is accepted.
      type: list
      elements: str
      sample: []
"""

import os
import tempfile

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar import manifests
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.settings import Defaults, DefaultsError

try:
    import yaml
except ImportError:
    yaml = None

TIMING = ("propagation", "record_ttl", "gateway_cache", "connect", "idle", "request", "margin")


def read(module):
    """All manifests of the module's options, in order."""
    found = []
    for path in module.params["paths"] or []:
        try:
            with open(path, encoding="utf-8") as file:
                found += [document for document in yaml.safe_load_all(file) if document is not None]
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            module.fail_json(msg=f"{path} cannot be read: {error}. Give a file of manifests in YAML or JSON.")
    # As a whole the list counts as secret, so that it is not logged. Yet what is made of it is to be seen.
    definitions, module.params["definitions"] = module.params["definitions"] or [], "(not shown)"
    module.no_log_values.clear()
    return found + definitions


def defaults_of(module):
    """The defaults, without what was not given."""
    given = dict(module.params["defaults"])
    given["timing"] = {name: value for name, value in (given.get("timing") or {}).items() if value is not None}
    try:
        return Defaults.read(given)
    except DefaultsError as error:
        return module.fail_json(msg=f"defaults: {error}")


def write(module, path, text):
    """Write the file where its text differs. Returns whether it does, and the text before."""
    before = ""
    if not os.path.isdir(os.path.dirname(os.path.abspath(path))):
        module.fail_json(msg=f"{path} cannot be written: its folder is not there. Name a file in a folder that exists.")
    try:
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                before = file.read()
        if before == text or module.check_mode:
            return before != text, before
        handle, new = tempfile.mkstemp(dir=module.tmpdir)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        module.atomic_move(new, path)
    except (OSError, UnicodeDecodeError) as error:
        module.fail_json(msg=f"{path} cannot be written: {error}. Name a file of text that may be replaced.")
    return True, before


def secret(manifest):
    """Whether a manifest must not be shown."""
    return isinstance(manifest, dict) and manifest.get("kind") == "Secret"


def dumped(documents):
    """The text of the file."""
    return yaml.safe_dump_all(documents, explicit_start=True, sort_keys=False, width=120)


def shown(text):
    """The text of a file as it may be shown in a diff; nothing of a file that holds something else."""
    try:
        documents = list(yaml.safe_load_all(text))
    except yaml.YAMLError:
        return ""
    hidden = [{**each, "data": "(hidden)", "stringData": "(hidden)"} if secret(each) else each for each in documents]
    return dumped(hidden)


def told(result):
    """One result for the user."""
    outcome = result.outcome
    reason = (outcome.refusal or outcome.skipped or "") if outcome else ""
    warnings = list(outcome.warnings) if outcome else []
    return {"name": result.name, "verdict": result.verdict, "reason": reason, "warnings": warnings}


def argument_spec():
    """The module's options."""
    defaults = {
        "values": {"type": "dict", "default": {}},
        "namespaces": {"type": "dict", "default": {}},
        "images": {"type": "dict", "default": {}},
        "image_prefixes": {"type": "list", "elements": "str", "default": []},
        "excluded_namespaces": {"type": "list", "elements": "str", "default": []},
        "kubernetes_version": {"type": "str", "default": "1.36"},
        "timing": {"type": "dict", "default": {}, "options": {name: {"type": "int"} for name in TIMING}},
    }
    return {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "paths": {"type": "list", "elements": "path"},
        "definitions": {"type": "list", "elements": "dict", "no_log": True},
        "namespace": {"type": "str", "default": "default"},
        "defaults": {"type": "dict", "default": {}, "options": defaults},
        "dest": {"type": "path"},
    }


def main():
    """Inject, write, explain."""
    module = AnsibleModule(
        argument_spec=argument_spec(), required_one_of=[("paths", "definitions")], supports_check_mode=True
    )
    if yaml is None:
        module.fail_json(msg=missing_required_lib("PyYAML"))
    work, what = (
        (manifests.remove_from_all, "removed")
        if module.params["state"] == "absent"
        else (manifests.inject_all, "injected")
    )
    results = work(read(module), module.params["namespace"], defaults_of(module))
    answer = {
        "changed": False,
        "results": [told(result) for result in results],
        "explanation": [line for result in results for line in result.explanation],
    }
    refused = [f"{result.name}: {result.outcome.refusal}" for result in results if result.refused]
    if refused:
        module.fail_json(msg=f"The sidecar cannot be {what}. " + " ".join(refused), **answer)
    for result in answer["results"]:
        for warning in result["warnings"]:
            module.warn(f"{result['name']}: {warning}")
    answer["manifests"] = [result.manifest for result in results if not secret(result.manifest)]
    path = module.params["dest"]
    if path:
        text = dumped([result.manifest for result in results])
        answer["changed"], before = write(module, path, text)
        if module._diff:  # pylint: disable=protected-access  # Ansible has no other way to ask
            answer["diff"] = {"before": shown(before) if before else "", "after": shown(text), "before_header": path}
    module.exit_json(**answer)


if __name__ == "__main__":
    main()

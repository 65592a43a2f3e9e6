# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plural modules: many objects, one process, one token. Private to the collection.

An entry is flat: ``kind`` (a singular module's name) and that module's options. Every entry is validated with
ansible-core's own validator before anything is sent, and all errors of all entries are told at once.
"""

from __future__ import annotations

import difflib
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError

from .._google import credentials
from .._google.errors import ApiError, Failure, InvalidError
from . import graph, main, plan, prune, registry, report, secrecy, spec
from .context import Context
from .fields import Document, Options
from .resource import Resource

Entry = tuple[type[Resource], Options]


def run() -> None:
    """Everything the module ``resources`` does."""
    module, items, context = _open({**spec.common(), **spec.change(), **spec.adopt(), "prune": {"type": "dict", "options": spec.prune()}})
    asked = module.params["prune"]
    scope = prune.Scope.of(asked, module.params["project"]) if asked is not None else None
    module.exit_json(**main.carry_out(module, items, context, scope))


def run_info() -> None:
    """Everything the module ``resources_info`` does: read the same list, change nothing."""
    module, items, context = _open({**spec.common(), "started": {"type": "list", "elements": "dict", "default": []}})
    context.check = True
    failure: Failure | None = None
    shown: list[dict[str, t.Any]] = []
    try:
        shown = look(items, module.params["started"])
    except Failure as error:
        failure = error
    if failure:
        main.fail(module, failure)
    module.exit_json(
        changed=False,
        resources=shown,
        pending=[{"kind": one["kind"], "name": one["name"]} for one in shown if one["state"] == "pending"],
        absent=[{"kind": one["kind"], "name": one["name"]} for one in shown if one["state"] == "absent"],
        failures=[
            {"kind": one["kind"], "name": one["name"], "error": one["error"]}
            for one in shown
            if one["state"] == "failed"
        ],
    )


def _open(steering: spec.Spec) -> tuple[AnsibleModule, list[plan.Item], Context]:
    """The module of a list of objects, with options beside the list; every entry is valid, or the module has ended."""
    module = AnsibleModule(
        argument_spec={**steering, "resources": {"type": "list", "elements": "dict", "required": True, "no_log": True}},
        supports_check_mode=True,
    )
    entries = open_entries(module)
    context = main.open_context(module)
    items = [
        main.item_of(kind, options, module.params, index, context) for index, (kind, options) in enumerate(entries)
    ]
    return module, items, context


def look(items: list[plan.Item], started: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    """Read every object, all at once, and say whether it is ready.

    Args:
        items: the objects.
        started: ``pending`` of the run that started the work; what became of its operations is read too.
    """
    running = {(one.get("kind"), one.get("name")): one.get("operation") for one in started}
    ends: dict[plan.Item, tuple[bool, Failure | None]] = {}

    def read(item: plan.Item) -> None:
        try:
            item.found = item.resource.read()
        except ApiError as error:
            if not (item.resource.absent_when(error) or error.service_disabled):
                item.failure = error
                return
        except Failure as error:
            item.failure = error
            return
        if item.found is not None:
            item.state, item.word = item.resource.readiness(item.found)
        operation = running.get((item.resource.kind, item.resource.name))
        if operation:
            try:
                ends[item] = _end(item.resource, operation)
            except Failure as error:
                item.failure = error

    graph.run(items, {}, read)
    for item in items:
        if item.failure:
            raise item.failure.about(item.resource.subject)
    return [_shown(item, *ends.get(item, (True, None))) for item in items]


def _end(resource: Resource, operation: dict[str, str]) -> tuple[bool, Failure | None]:
    """Whether an operation has ended, and its error. One that Google has forgotten has ended."""
    family = resource.family
    found = resource.wire.find(operation["service"], operation["path"])
    if found is None or family is None:
        return True, None
    return family.done(found), family.failure(found)


def _shown(item: plan.Item, ended: bool, failure: Failure | None) -> dict[str, t.Any]:
    state, error = report.ready(item), ""
    if failure:
        state, error = "failed", failure.message
    elif state == "failed":
        trouble = item.resource.trouble(t.cast(Document, item.found))
        error = f"it is in state {item.word}" + (f": {trouble}" if trouble else "")
    elif state == "absent" and not ended:
        state = "pending"
    return {
        "kind": item.resource.kind,
        "name": item.resource.name,
        "state": state,
        "word": item.word,
        "error": error,
        "resource": item.resource.output(item.found) if item.found is not None else {},
    }


def open_entries(module: AnsibleModule) -> list[Entry]:
    """Take over the list that Ansible has kept out of its log: hide its secrets, then validate it."""
    given: list[Options] = module.params["resources"]
    # As a whole the list counts as secret, so that it is not logged; from here on only its true secrets do.
    module.no_log_values.clear()
    main.hide(module, credentials.secrets_of(module.params))
    for entry in given:
        main.hide(module, secrets(entry))
    module.params["resources"] = [secrecy.concealed(entry, {**entry_steering(), **_known(entry)}) for entry in given]
    failure: Failure | None = None
    entries: list[Entry] = []
    try:
        entries = validate(given)
    except InvalidError as error:
        failure = error
    if failure:
        main.fail(module, failure)
    return entries


def secrets(entry: Options) -> set[str]:
    """Values of an entry that must not be shown."""
    return secrecy.texts(entry, _known(entry))


def _known(entry: Options) -> spec.Spec:
    """The options of an entry's kind; none for an unknown one."""
    try:
        return spec.of(registry.load(str(entry.get("kind"))).fields)
    except KeyError:
        return {}


def validate(given: list[Options]) -> list[Entry]:
    """Check every entry against its kind's options. Raises InvalidError with all errors of all entries."""
    wrong: list[str] = []
    entries: list[Entry] = []
    for index, entry in enumerate(given):
        kind = entry.get("kind")
        named = " ".join(str(x) for x in (kind, entry.get("name")) if x)
        label = f"{entry['origin']} ({named})" if entry.get("origin") else f"entry {index} ({named})"
        if not isinstance(kind, str) or kind not in registry.KINDS:
            wrong.append(f"{label}: {_unknown_kind(kind)}")
            continue
        resource = registry.load(kind)
        allowed = entry_spec(resource)
        result = ArgumentSpecValidator(allowed, **spec.rules(resource)).validate(entry)
        for error in result.errors.errors:
            if not isinstance(error, UnsupportedError):
                wrong.append(f"{label}: {error.msg}.".replace("..", "."))
        for name in sorted(result.unsupported_parameters, key=str):
            wrong.append(f"{label}: {_unknown_option(kind, name, allowed)}")
        entries.append((resource, result.validated_parameters))
    if wrong:
        raise InvalidError("\n".join(wrong), refused=wrong)
    return entries


def entry_spec(resource: type[Resource]) -> spec.Spec:
    """Options of one entry: its kind's own, and those of the task that an entry may override."""
    return {**entry_steering(), **spec.of(resource.fields)}


def entry_steering() -> spec.Spec:
    """Options that entries of every kind have."""
    steering = {**spec.change(), **spec.adopt()}
    for option in steering.values():
        option.pop("default", None)
    steering.pop("wait")
    return {"kind": {"type": "str"}, "origin": {"type": "str"}, "project": {"type": "str"}, **steering}


def _unknown_kind(kind: t.Any) -> str:
    if kind is None:
        return "kind is missing. It is the name of the module for one such object, for example compute_network."
    near = difflib.get_close_matches(str(kind), list(registry.KINDS), 1)
    hint = f" Did you mean {near[0]}?" if near else " Known kinds: " + ", ".join(sorted(registry.KINDS)) + "."
    return f"{kind} is not a kind of resource.{hint}"


def _unknown_option(kind: str, name: t.Any, allowed: spec.Spec) -> str:
    path = [str(part) for part in name] if isinstance(name, tuple) else [str(name)]
    level = allowed
    for part in path[:-1]:
        level = (level.get(part.split("[")[0]) or {}).get("options") or {}
    near = difflib.get_close_matches(path[-1], list(level), 1)
    hint = f" Did you mean {near[0]}?" if near else " Options there: " + ", ".join(sorted(level)) + "."
    return f"{'.'.join(path)} is not an option of {kind}.{hint}"

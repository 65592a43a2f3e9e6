# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole of a singular module: options in, result out. Private to the collection.

This file and its neighbours spec.py and plural.py are the only ones that know Ansible.
"""

from __future__ import annotations

import dataclasses
import importlib
import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from .._google import credentials
from .._google.errors import ApiError, Failure
from . import apply, plan, prune, report, secrecy, spec
from .context import Context
from .resource import Resource


def run(resource: type[Resource], access: Access | None = None) -> None:
    """Everything that a module for one kind does; ``access``: to another API than Google's."""
    access = access or GOOGLE
    module = AnsibleModule(
        argument_spec={**access.options(), **spec.change(), **spec.of(resource.fields)},
        supports_check_mode=True,
        **spec.rules(resource),
    )
    context = access.open(module)
    item = item_of(resource, module.params, module.params, 0, context)
    secrecy.conceal(module, spec.of(resource.fields))
    result = carry_out(module, [item], context)
    (single,) = result.pop("resources")
    for key in ("kind", "name", "failed"):
        single.pop(key, None)
    result.pop("pending")
    module.exit_json(**{**result, **single})


def run_info(resource: type[Resource], access: Access | None = None) -> None:
    """Everything that a reading module for one kind does: one object by name, or all of them."""
    access = access or GOOGLE
    identity = [field for field in resource.fields if field.identity]
    names = tuple(field for field in identity if field.name == resource.name_option)
    places = tuple(field for field in identity if field.name != resource.name_option)
    argument_spec = {**access.options(), **spec.of(places), **spec.of(names), **spec.of(resource.reading)}
    for field in names:
        argument_spec[field.name].pop("required", None)
    module = AnsibleModule(
        argument_spec=argument_spec,
        supports_check_mode=True,
        mutually_exclusive=[rule for rule in resource.mutually_exclusive if set(rule) <= set(argument_spec)],
    )
    context = access.open(module)
    wanted = resource(module.params, context)
    found: list[dict[str, t.Any]] = []
    failure: Failure | None = None
    try:
        if wanted.options.get(resource.name_option):
            document = wanted.read()
            documents = [] if document is None else [document]
        else:
            documents = _everything(wanted)
        for document in documents:
            label = wanted.options.get(resource.name_option) or document.get("name") or document.get(resource.name_option)
            options = {**module.params, resource.name_option: str(label).rsplit("/", 1)[-1]}
            # "-" asks for every place: each object tells its own.
            options.update({x.name: _place(resource, document, x.name) for x in places if options.get(x.name) == "-"})
            single = resource(options, context)
            found.append(single.output(document))
    except Failure as error:
        # A preview asks before the API is enabled: nothing can be there yet.
        if not (context.check and isinstance(error, ApiError) and error.service_disabled):
            failure = error.about(wanted.title)
    if failure:
        fail(module, failure)
    module.exit_json(changed=False, resources=found)


def _place(resource: type[Resource], document: dict[str, t.Any], option: str) -> t.Any:
    """Where an object is: it says so, or its full name does."""
    parts = zip(reversed(resource.path.split("/")), reversed(str(document.get("name")).split("/")), strict=False)
    return document.get(option) or dict(parts).get(f"{{{option}}}")


def _everything(wanted: Resource) -> list[dict[str, t.Any]]:
    """All objects of the collection; in what does not exist there are none."""
    try:
        return wanted.everything()
    except ApiError as error:
        if wanted.absent_when(error):
            return []
        raise


def open_context(module: AnsibleModule) -> Context:
    """The run's context. Secrets are registered with the module before anything else can fail."""
    hide(module, credentials.secrets_of(module.params))
    missing = missing_libraries()
    if missing:
        module.fail_json(msg=missing_required_lib("google-auth and requests"), exception=missing)
    from .._google.session import Client

    client = Client(module.params, on_secret=lambda secret: hide(module, [secret]))
    return Context(client, check=module.check_mode, wait=module.params.get("wait", True))


@dataclasses.dataclass(frozen=True)
class Access:
    """How modules reach an API: the options that say who and where, and what makes a run's context of them."""

    options: t.Callable[[], spec.Spec]
    open: t.Callable[[AnsibleModule], Context]


GOOGLE = Access(spec.common, open_context)


def missing_libraries() -> str | None:
    """The traceback of an import that fails, None when everything is there."""
    try:
        importlib.import_module("google.auth")
        importlib.import_module("requests")
    except ImportError:
        return traceback.format_exc()
    return None


def hide(module: AnsibleModule, secrets: t.Iterable[str]) -> None:
    """Make sure that none of these strings leaves the module."""
    module.no_log_values.update(secret for secret in secrets if secret)


def item_of(
    resource: type[Resource],
    options: t.Mapping[str, t.Any],
    task: t.Mapping[str, t.Any],
    index: int,
    context: Context,
) -> plan.Item:
    """One object from its options; ``task`` holds what is common to all objects of the task."""
    own = {field.name: options.get(field.name) for field in resource.fields if not field.output}
    for name in ("project", "timeout"):
        own[name] = options.get(name) if options.get(name) is not None else task.get(name)

    def steering(name: str) -> t.Any:
        return options.get(name) if options.get(name) is not None else task.get(name)

    return plan.Item(
        index=index,
        resource=resource(own, context),
        present=(steering("state") or "present") == "present",
        force=bool(steering("force")),
        allow_recreate=bool(steering("allow_recreate")),
        adopt=bool(steering("adopt")),
        origin=str(options.get("origin") or ""),
    )


def carry_out(
    module: AnsibleModule, items: list[plan.Item], context: Context, scope: prune.Scope | None = None
) -> dict[str, t.Any]:
    """Plan and apply; returns the result or ends the module with the reasons. ``scope``: where to prune, if anywhere."""
    diff = bool(module._diff)  # pylint: disable=protected-access
    failure: Failure | None = None
    orphans: list[t.Callable[[], None]] = []
    try:
        if scope:
            found = prune.superfluous(scope, items, context)
            items, orphans = items + found.items, found.orphans
        apply.run(items, context)
        for remove in orphans if not context.check else ():
            remove()
    except Failure as error:
        failure = error
    if failure:
        # Without a write nothing has changed, whatever the plan was.
        written = any(item.resource.wire.counts.writes for item in items)
        fail(module, failure, report.whole(items, diff) if written else {})
    return report.whole(items, diff)


def fail(module: AnsibleModule, error: Failure, partly: dict[str, t.Any] | None = None) -> t.NoReturn:
    """End the module with the sentence, Google's own words, and what had been done until then.

    Call it outside of ``except``: ansible-core adds the messages of the exception being handled to ours.
    """
    facts = error.result()
    facts.pop("changed", None)
    result = {**(partly or {}), **facts}
    module.fail_json(msg=error.message, **result)
    raise AssertionError("fail_json returned")

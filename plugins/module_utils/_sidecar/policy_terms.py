# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The variables of the admission policies: what a pod asks for, and what it is like. Private to the collection."""

from __future__ import annotations

import typing as t

from .cel import among, literal
from .conflicts import GROUPS
from .engines.contract import ADMINISTRATION_FIRST, ADMINISTRATION_PORTS, ADMINISTRATION_SHIFT
from .engines.registry import ENGINES
from .fields import FIELDS, PREFIX, STATUS, Field
from .pod import SIDECAR, UNPRIVILEGED_PORTS
from .settings import Defaults

ADMINISTRATION = f"{ADMINISTRATION_FIRST} + (variables.port_number + {ADMINISTRATION_SHIFT}) % {ADMINISTRATION_PORTS}"
"""``contract.administration_port``"""

RESOURCES = ("cpu", "memory", "cpu-limit", "memory-limit")


def variable(name: str) -> str:
    """How an expression calls the variable of a field."""
    return "variables." + identifier(name)


def identifier(name: str) -> str:
    """The name of the variable of a field."""
    return name.replace("-", "_")


def given(field: Field, defaults: Defaults) -> str:
    """The value of a field: annotation, else default of the namespace, of the cluster, the field's own."""
    fallback = literal(defaults.values.get(field.name) or field.default)
    if field.name == "image":
        fallback = literal(defaults.values["image"]) if defaults.values.get("image") else _images(defaults)
    elif field.name == "certificate-secret" and not defaults.values.get(field.name):
        fallback = f"{variable('service')} + '-tls'"
    elif field.name in RESOURCES and not defaults.values.get(field.name):
        fallback = _by_engine(lambda engine: getattr(engine.resources, identifier(field.name)))
    places = {name: values[field.name] for name, values in defaults.namespaces.items() if values.get(field.name)}
    if places:
        members = ", ".join(f"{literal(name)}: {literal(value)}" for name, value in sorted(places.items()))
        fallback = f"{{{members}}}[?request.namespace].orValue({fallback})"
    return f"object.metadata.annotations[?{literal(field.annotation)}].orValue({fallback})"


def _images(defaults: Defaults) -> str:
    return _by_engine(lambda engine: defaults.images.get(engine.name) or engine.image)


def _by_engine(text: t.Callable[[t.Any], str]) -> str:
    """A text that differs by engine. An engine that is not known is refused elsewhere, and gets none."""
    members = ", ".join(f"{literal(name)}: {literal(text(engine))}" for name, engine in ENGINES.items())
    return f"{{{members}}}[?{variable('engine')}].orValue('')"


def settings(defaults: Defaults) -> dict[str, str]:
    """Variables with what is asked for, by name. Texts may be wrong; what is computed from them is asked for later."""
    found = {identifier(field.name): given(field, defaults) for field in _ordered()}
    found["authority"] = (
        f"{variable('client-ca-secret')} != '' ? 'secret' : {variable('client-ca-config-map')} != '' ? 'config-map' : 'none'"
    )
    found["metrics"] = f"{variable('metrics-port')} != '' ? 'on' : 'off'"
    found["client"] = f"{variable('client-names')} != '' ? 'names' : variables.authority != 'none' ? 'ca' : 'off'"
    return found


def _ordered() -> list[Field]:
    """Fields in an order in which none needs a later one: a variable sees only those before it."""
    first = ("service", "engine")
    return sorted(FIELDS, key=lambda field: field.name not in first)


def pod() -> dict[str, str]:
    """Variables with what the pod is like, by name."""
    spec = "object.spec"
    everything = " + ".join(f"{spec}.?{group}.orValue([]).map(item, item.?name.orValue(''))" for group in GROUPS)
    declared = "item.?ports.orValue([]).filter(port, port.?protocol.orValue('TCP') == 'TCP').map(port, port.containerPort)"
    sidecar = literal(SIDECAR)
    return {
        "containers": f"{spec}.?containers.orValue([])",
        "init_containers": f"{spec}.?initContainers.orValue([])",
        "container_names": everything,
        "status": f"{literal(PREFIX + STATUS)} in object.metadata.annotations",
        "injected": "variables.status && (variables.containers.exists(item, item.name == "
        f"{sidecar}) || variables.init_containers.exists(item, item.name == {sidecar}))",
        "completes": f"{spec}.?restartPolicy.orValue('Always') in ['Never', 'OnFailure']",
        "application_ports": f"variables.containers.filter(item, item.name != {sidecar})"
        f".map(item, {declared}).flatten().distinct()",
        "taken_ports": f"variables.containers.map(item, {declared}).flatten() + variables.init_containers"
        f".filter(item, item.?restartPolicy.orValue('') == 'Always').map(item, {declared}).flatten()",
        "sysctls": f"{spec}.?securityContext.?sysctls.orValue([])",
        "sysctl_values": f"variables.sysctls.filter(item, item.name == {literal(UNPRIVILEGED_PORTS)})"
        ".map(item, item.?value.orValue(''))",
        "sysctl": "variables.sysctl_values.size() > 0 ? variables.sysctl_values[0] : ''",
        "taken_volumes": f"{spec}.?volumes.orValue([]).map(item, item.name).filter(name, name.startsWith({literal(SIDECAR + '-')}))",
    }


def computed(defaults: Defaults) -> dict[str, str]:
    """Variables computed from settings that are known to be right, by name."""
    administered = [engine.name for engine in ENGINES.values() if engine.administered]
    return {
        "port_number": f"int({variable('port')})",
        "metrics_port_number": f"{variable('metrics-port')} != '' ? int({variable('metrics-port')}) : 0",
        "administration_port": f"{among(variable('engine'), administered)} ? {ADMINISTRATION} : 0",
        "application_port_number": f"{variable('application-port')} != '' ? int({variable('application-port')}) : "
        "variables.application_ports[0]",
        "window": f"{variable('drain-seconds')} != '' ? int({variable('drain-seconds')}) : "
        f"variables.completes ? 0 : {defaults.timing.window}",
        "waiting": "variables.window > 0 ? 'yes' : 'no'",
    }

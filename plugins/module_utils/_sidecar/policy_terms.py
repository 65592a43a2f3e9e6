# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The variables of the admission policies: what a pod asks for, and what it is like. Private to the collection."""

from __future__ import annotations

import typing as t

from .cel import among, listed, literal
from .conflicts import GROUPS
from .engines.contract import ADMINISTRATION_FIRST, ADMINISTRATION_PORTS, ADMINISTRATION_SHIFT
from .engines.registry import ENGINES
from .fields import FIELDS, OPT_INS, PREFIX, STATUS, Field
from .microgateway import IMAGE as GATEWAY_IMAGE
from .microgateway import NAME as GATEWAY
from .pod import SIDECAR, SIDECARS, UNPRIVILEGED_PORTS
from .settings import Defaults

ADMINISTRATION = f"{ADMINISTRATION_FIRST} + (variables.port_number + {ADMINISTRATION_SHIFT}) % {ADMINISTRATION_PORTS}"
"""``contract.administration_port``"""

ENDS_TLS, HAS_GATEWAY = "variables.sidecars != 'gateway'", "variables.sidecars != 'tls'"
"""``Settings.tls``, and whether there is a gateway"""

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
    elif field.name == "gateway-image" and not defaults.values.get(field.name):
        fallback = literal(defaults.images.get(GATEWAY) or GATEWAY_IMAGE)
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
    found["sidecars"] = (
        f"{variable('gateway')} == '' ? 'tls' : {variable('service')} == '' ? 'gateway' : 'both'"
    )
    found["asked_by"] = f"{ENDS_TLS} ? {literal(PREFIX + OPT_INS[0])} : {literal(PREFIX + OPT_INS[1])}"
    found["trusted"] = f"{variable('gateway-trust')} != '' ? 'yes' : 'no'"
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
    taken = f"{spec}.?volumes.orValue([]).map(item, item.name).filter(name, name.startsWith"
    own = listed(SIDECARS)
    return {
        "containers": f"{spec}.?containers.orValue([])",
        "init_containers": f"{spec}.?initContainers.orValue([])",
        "container_names": everything,
        "status": f"{literal(PREFIX + STATUS)} in object.metadata.annotations",
        "injected": f"variables.status && (!({ENDS_TLS}) || {_there(SIDECAR)}) && (!({HAS_GATEWAY}) || {_there(GATEWAY)})",
        "tls_named": _named(SIDECAR),
        "gateway_named": _named(GATEWAY),
        "added_without": "variables.status && variables.sidecars == 'both' && variables.tls_named != variables.gateway_named",
        "completes": f"{spec}.?restartPolicy.orValue('Always') in ['Never', 'OnFailure']",
        "application_ports": f"variables.containers.filter(item, !(item.name in {own}))"
        f".map(item, {declared}).flatten().distinct()",
        "taken_ports": f"variables.containers.map(item, {declared}).flatten() + variables.init_containers"
        f".filter(item, item.?restartPolicy.orValue('') == 'Always').map(item, {declared}).flatten()",
        "sysctls": f"{spec}.?securityContext.?sysctls.orValue([])",
        "sysctl_values": f"variables.sysctls.filter(item, item.name == {literal(UNPRIVILEGED_PORTS)})"
        ".map(item, item.?value.orValue(''))",
        "sysctl": "variables.sysctl_values.size() > 0 ? variables.sysctl_values[0] : ''",
        "taken_volumes": f"{taken}({literal(SIDECAR + '-')}))",
        "taken_gateway_volumes": f"{taken}({literal(GATEWAY + '-')}))",
    }


def _there(sidecar: str) -> str:
    """``conflicts.there``"""
    name = literal(sidecar)
    return (
        f"(variables.containers.exists(item, item.name == {name}) || "
        f"variables.init_containers.exists(item, item.name == {name}))"
    )


def _named(sidecar: str) -> str:
    """Whether any container has the name."""
    return f"variables.container_names.exists(name, name == {literal(sidecar)})"


def computed(defaults: Defaults) -> dict[str, str]:
    """Variables computed from settings that are known to be right, by name."""
    administered = [engine.name for engine in ENGINES.values() if engine.administered]
    return {
        "port_number": f"int({variable('port')})",
        "metrics_port_number": f"{variable('metrics-port')} != '' ? int({variable('metrics-port')}) : 0",
        "administration_port": f"{among(variable('engine'), administered)} ? {ADMINISTRATION} : 0",
        "application_port_number": f"{variable('application-port')} != '' ? int({variable('application-port')}) : "
        "variables.application_ports[0]",
        "gateway_port_number": f"{HAS_GATEWAY} ? int({variable('gateway-port')}) : 0",
        "processes_number": f"int({variable('gateway-processes')})",
        "upstream_port_number": f"{HAS_GATEWAY} ? variables.gateway_port_number : variables.application_port_number",
        "window": f"{variable('drain-seconds')} != '' ? int({variable('drain-seconds')}) : "
        f"variables.completes ? 0 : {defaults.timing.window}",
        "waiting": "variables.window > 0 ? 'yes' : 'no'",
    }

# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of the role ``api_gateway_function`` to entries of the plural ``resources`` module.

Private to this collection. The function takes the role's variables without their prefix.
"""

from __future__ import annotations

from .._forwarding import settings

#: What the chain needs of a project; a connector's API only where there is one.
CONNECTOR_API = "vpcaccess.googleapis.com"
_ACCOUNTS = ".iam.gserviceaccount.com"
_EVERYBODY = ("allUsers", "allAuthenticatedUsers")


class FunctionVariablesError(ValueError):
    """Variables that contradict each other: what was found, what to write."""


def function(role: dict) -> list[dict]:
    """APIs, the way into the network, the account, the function, and who may call it. Raises FunctionVariablesError."""
    project = role["project"]
    email = _email(role)
    result: list[dict] = []
    way, options = _egress(role)
    # Others may use the APIs, so nothing that removes the rest disables them.
    if role.get("apis") and role.get("state") != "absent":
        extra = [CONNECTOR_API] if "vpc_connector" in options else []
        result.append({"kind": "project_services", "project": project, "services": [*role["apis"], *extra]})
    result += way
    kept = role.get("state") == "absent" and role.get("keep_account")
    if email.endswith(f"@{project}{_ACCOUNTS}") and not kept:
        result.append({"kind": "iam_service_account", "project": project, "name": email.split("@", maxsplit=1)[0]})
    result.append(_function(role, email, options))
    result += [
        {
            "kind": "iam_member",
            "project": project,
            "role": "roles/run.invoker",
            "member": member,
            "run_service": role["name"],
            "location": role["region"],
        }
        for member in _members(role)
    ]
    return result


def _email(role: dict) -> str:
    """The account of the function, by its address."""
    stated = role.get("service_account") or role["name"][:30].rstrip("-")
    return stated if "@" in stated else f"{stated}@{role['project']}{_ACCOUNTS}"


def _egress(role: dict) -> tuple[list[dict], dict]:
    """What makes the way into the network, and the options of the function that lead it there."""
    egress = role.get("egress") or {}
    mode, network = egress.get("mode") or "direct", egress.get("network") or ""
    place = {"project": role["project"], "region": role["region"]}
    everything = egress.get("traffic") == "all"
    if mode == "connector":
        name = egress.get("connector")
        if not name:
            raise FunctionVariablesError(
                "egress.mode is connector, and egress.connector names none. Name the connector."
            )
        way = {
            "kind": "vpc_access_connector",
            **place,
            "name": name,
            "network": network,
            "ip_cidr_range": egress.get("range"),
        }
        for option in ("machine_type", "min_instances", "max_instances"):
            if egress.get(option):
                way[option] = egress[option]
        options = {
            "vpc_connector": name,
            "vpc_connector_egress": "ALL_TRAFFIC" if everything else "PRIVATE_RANGES_ONLY",
        }
    else:
        name = egress.get("subnet")
        if not name:
            raise FunctionVariablesError("egress.mode is direct, and egress.subnet names none. Name the subnet.")
        way = {
            "kind": "compute_subnetwork",
            **place,
            "name": name,
            "network": network,
            "ip_cidr_range": egress.get("range"),
            "private_ip_google_access": True,
        }
        interface = {"network": network, "subnetwork": name, "tags": list(egress.get("tags") or [])}
        options = {
            "direct_vpc": [{key: value for key, value in interface.items() if value or key == "tags"}],
            "direct_vpc_egress": "VPC_EGRESS_ALL_TRAFFIC" if everything else "VPC_EGRESS_PRIVATE_RANGES_ONLY",
        }
    if egress.get("range") and not network:
        raise FunctionVariablesError("egress.range is stated without egress.network. State whose range it is to be.")
    # Without a range it is there already, and is used as it is.
    return ([way] if egress.get("range") else []), options


def _function(role: dict, email: str, options: dict) -> dict:
    if role.get("state") != "absent":
        _check(role)
    entry = {
        "kind": "cloud_function",
        "project": role["project"],
        "name": role["name"],
        "region": role["region"],
        "forwarding": True,
        "service_account": email,
        "cpu": role["cpu"],
        "memory": role["memory"],
        "concurrency": role["concurrency"],
        "request_seconds": role["timeout"],
        "environment": _environment(role),
        **options,
    }
    for option in ("min_instances", "max_instances"):
        if role.get(option) is not None:
            entry[option] = role[option]
    if role.get("authority"):
        entry["forwarding_ca"] = role["authority"]
    return entry


def _environment(role: dict) -> dict[str, str]:
    """What the function is told."""
    told = {
        "FORWARD_TO": role.get("target") or "",
        "FORWARD_PATHS": ",".join(role.get("paths") or ["/"]),
        "FORWARD_METHODS": ",".join(role.get("methods") or settings.METHODS),
        "FORWARD_CONNECT_TIMEOUT": str(role["connect_timeout"]),
        "FORWARD_TIMEOUT": str(role["upstream_timeout"]),
        "FORWARD_REQUEST_BYTES": str(role["request_bytes"]),
        "FORWARD_RESPONSE_BYTES": str(role["response_bytes"]),
    }
    return {**told, "FORWARD_USER_INFO": "true"} if role.get("user_info") else told


def _check(role: dict) -> None:
    """Deadlines that agree, and a word on the caller that nobody can forge. Raises FunctionVariablesError."""
    upstream, own = role["upstream_timeout"], role["timeout"]
    if upstream >= own:
        raise FunctionVariablesError(
            f"upstream_timeout is {upstream} s and timeout {own} s: Google would end the request before the function could "
            "say 504. State less for the first."
        )
    everybody = [member for member in _members(role) if member in _EVERYBODY]
    if everybody and role.get("user_info"):
        raise FunctionVariablesError(
            f"user_info is on, and {everybody[0]} may call the function: any of them could say who the user is. Let nobody but "
            "the gateway's service account call it, or leave user_info off."
        )


def _members(role: dict) -> list[str]:
    """Who may call it; a bare address is a service account's."""
    stated = list(dict.fromkeys(role.get("invokers") or []))
    return [one if ":" in one or one in _EVERYBODY else f"serviceAccount:{one}" for one in stated]

# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user declares of an Edge Microgateway, read once. Private to the collection.

Whether it makes sense together is for rules.py to say, what comes of it for render.py.
"""

from __future__ import annotations

import dataclasses
import difflib
import typing as t

from .._google.errors import InvalidError

SERVICE, SIDECAR = "service", "sidecar"
#: Where the parts of an organisation of Edge's public cloud answer.
PUBLIC_MICROSERVICES = "https://edgemicroservices.apigee.net/edgemicro"
PUBLIC_AUTHENTICATION = "https://{organization}-{environment}.apigee.net/edgemicro-auth"


@dataclasses.dataclass(frozen=True)
class Proxy:
    """A proxy on Edge that the gateway serves. ``base_path`` as deployed, ``target`` where calls go, if known."""

    name: str
    base_path: str
    target: str = ""


@dataclasses.dataclass(frozen=True)
class Product:
    """An API product on Edge: the proxies and resource paths that its keys open."""

    name: str
    proxies: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Plugin:
    """A plugin of the sequence with its settings, named as the product names them."""

    name: str
    settings: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Gateway:
    """One gateway. Addresses are bases without a slash at their end; times in seconds.

    ``own_plugins``: names of plugins that the user brings into the image. ``variables``: further ones of its process.
    ``open``: nobody is asked for a key or a token, on purpose. ``allow_encoded_slashes``: a path may have %2F, which
    the engine takes for a part of a name and the target perhaps for a slash.
    """

    mode: str
    organization: str
    environment: str
    microservices: str
    authentication: str
    proxies: tuple[Proxy, ...] = ()
    products: tuple[Product, ...] = ()
    plugins: tuple[Plugin, ...] = ()
    own_plugins: tuple[str, ...] = ()
    open: bool = False
    plain_http: bool = False
    application_port: int | None = None
    port: int = 8000
    address: str = ""
    processes: int = 1
    poll_interval: int = 600
    key_set: bool = True
    analytics: bool = True
    log_level: str = "error"
    exclude_urls: str = ""
    allow_encoded_slashes: bool = False
    variables: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    def plugin(self, name: str) -> Plugin | None:
        """The plugin of this name, if it is in the sequence."""
        return next((one for one in self.plugins if one.name == name), None)


def stated(declared: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """A declaration as a role has it, without what nobody said: it has a default, or none is needed."""
    told = dict(declared)
    for name in ("proxies", "products", "plugins"):
        if isinstance(told.get(name), list):
            told[name] = [{key: value for key, value in one.items() if value is not None} if isinstance(one, t.Mapping)
                          else one for one in told[name]]
    return {key: value for key, value in told.items() if value not in (None, "")}


def read(declared: t.Mapping[str, t.Any]) -> Gateway:
    """The declaration as a Gateway, defaults filled in. Raises InvalidError naming every key that cannot be."""
    faults = _faults("", declared, Gateway)
    lists = {"proxies": Proxy, "products": Product, "plugins": Plugin}
    told: dict[str, t.Any] = dict(declared)
    for name, kind in lists.items():
        entries = told.get(name, ())
        if not isinstance(entries, (list, tuple)):
            faults.append(f"{name} is {entries!r}. Write a list.")
            continue
        made = [_entry(f"{name}[{index}]", entry, kind, faults) for index, entry in enumerate(entries)]
        told[name] = tuple(one for one in made if one is not None)
    if faults:
        raise InvalidError(" ".join(faults))
    told.setdefault("microservices", PUBLIC_MICROSERVICES)
    told.setdefault("authentication", PUBLIC_AUTHENTICATION.format(**told))
    for name in ("microservices", "authentication"):
        told[name] = told[name].rstrip("/")
    told["own_plugins"] = tuple(told.get("own_plugins", ()))
    return Gateway(**told)


#: Fields that have a default which depends on others, and so need not be declared.
_DERIVED = {"microservices", "authentication"}
_TYPES: dict[str, tuple[type, str]] = {
    "str": (str, "a text"),
    "bool": (bool, "true or false"),
    "int": (int, "a whole number"),
    "int | None": (int, "a whole number"),
}


def _entry(place: str, entry: t.Any, kind: t.Any, faults: list[str]) -> t.Any:
    if isinstance(entry, str) and kind is Plugin:
        entry = {"name": entry}
    if not isinstance(entry, t.Mapping):
        faults.append(f"{place} is {entry!r}. Write a mapping with its name.")
        return None
    found = _faults(f"{place}.", entry, kind)
    faults += found
    if found:
        return None
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()})


def _faults(place: str, told: t.Mapping[str, t.Any], kind: t.Any) -> list[str]:
    fields = {field.name: field for field in dataclasses.fields(kind)}
    found = []
    for key, value in told.items():
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1, cutoff=0.6)
            advice = f"Write {near[0]}" if near else f"Write one of {', '.join(sorted(fields))}"
            found.append(f"{place}{key} is not known. {advice}.")
            continue
        wanted = _TYPES.get(str(fields[key].type))
        if wanted and (not isinstance(value, wanted[0]) or (isinstance(value, bool) and wanted[0] is int)):
            found.append(f"{place}{key} is {value!r}. Write {wanted[1]}.")
        elif str(fields[key].type) == "tuple[str, ...]" and (
            isinstance(value, str) or not all(isinstance(one, str) for one in value)
        ):
            found.append(f"{place}{key} is {value!r}. Write a list of texts.")
        elif str(fields[key].type).startswith("t.Mapping") and not isinstance(value, t.Mapping):
            found.append(f"{place}{key} is {value!r}. Write a mapping.")
    for name, field in fields.items():
        needed = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if needed and name not in _DERIVED and not told.get(name):
            found.append(f"{place}{name} is missing.")
    return found

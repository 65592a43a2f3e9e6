# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is refused of a declared gateway, because it would be open, or not do what it says. Private to the collection."""

from __future__ import annotations

import difflib
import ipaddress
import re
import typing as t
from urllib.parse import unquote, urlsplit

from . import guard
from .gateway import SERVICE, SIDECAR, Gateway, Plugin, Product, Proxy

#: Proxies that gateways download begin so.
AWARE = "edgemicro_"
AUTH_PROXY = "edgemicro-auth"
#: Plugins that ask for a key or a token; the first takes both, and the engine gives it the keys it needs.
KEY_PLUGINS = ("oauth", "apikeys", "oauthv2")
OTHER_AUTHENTICATION = ("bauth", "extauth")
#: What microgateway-plugins 3.3.5 brings (its index.js), without what is no plugin or for tests.
BUILT_IN = frozenset(
    (*KEY_PLUGINS, *OTHER_AUTHENTICATION, "accesscontrol", "accumulate-request", "accumulate-response",
     "cloud-foundry-route-service", "cors", "header-uppercase", "healthcheck", "invalidHeader", "json2xml", "metrics",
     "monitor", "quota", "quota-memory", "spikearrest", "transform-uppercase")
)
LOG_LEVELS = ("none", "error", "warn", "info")
#: Variables that decide what the gateway is; the mode sets them.
_OURS = ("EDGEMICRO_ORG", "EDGEMICRO_ENV", "EDGEMICRO_KEY", "EDGEMICRO_SECRET", "EDGEMICRO_CONFIG",
         "EDGEMICRO_CONFIG_DIR", "EDGEMICRO_CONFIG_URL", "EDGEMICRO_PLUGIN_DIR", "EDGEMICRO_PROCESSES",
         "EDGEMICRO_PORT", "EDGEMICRO_DECORATOR", "EDGEMICRO_LOCAL_PROXY", "CONTAINER_PORT", "SERVICE_NAME", "PORT")
#: What to do in Apigee X. A sentence without its full stop.
ALTERNATIVE = (
    "Edge Microgateway works with Apigee Edge alone, not with Apigee X or hybrid. There, use the Apigee Operator for "
    "Kubernetes (policies at the cluster's edge), the Apigee Adapter for Envoy (beside the workload), or this "
    "collection's role api_proxies, which needs no gateway in the cluster"
)
_HEALTH_PATH = "/healthcheck"
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*$")


def problems(gateway: Gateway) -> list[str]:
    """A sentence for everything that is refused, each with what to do. Empty for a gateway that may run."""
    return [*_place(gateway), *_variables(gateway), *_sequence(gateway), *_exclusions(gateway), *_settings(gateway),
            *_proxies(gateway), *_products(gateway)]


# -- where, and what kind ---------------------------------------------------------------------------------------
def _place(gateway: Gateway) -> t.Iterator[str]:
    if gateway.mode not in (SERVICE, SIDECAR):
        yield f"mode is {gateway.mode!r}. Write {SERVICE} or {SIDECAR}."
    for name in ("organization", "environment"):
        value = getattr(gateway, name)
        if not _NAME.match(value):
            yield f"{name} is {value!r}, which no name on Edge can be. Write letters, digits and dashes."
    for name in ("microservices", "authentication"):
        yield from address(name, getattr(gateway, name), gateway.plain_http)
    if not 1 <= gateway.port <= 65535:
        yield f"port is {gateway.port}. Write a number from 1 to 65535."
    if gateway.processes < 1:
        yield f"processes is {gateway.processes}. Write 1 or more; without a number the engine starts one for each core."
    if gateway.log_level not in LOG_LEVELS:
        why = ", which writes the gateway's secret into the log" if gateway.log_level in ("debug", "trace") else ""
        yield f"log_level is {gateway.log_level!r}{why}. Write one of {', '.join(LOG_LEVELS)}."
    if gateway.mode == SIDECAR:
        if gateway.application_port is None:
            yield "application_port is missing. Write the port at which the application of the pod listens."
        elif gateway.application_port == gateway.port:
            yield f"application_port is the gateway's own port, {gateway.port}. One of both must move."
    elif gateway.application_port is not None:
        yield "application_port is for mode sidecar; in mode service proxies have targets. Leave it out."


def address(name: str, value: str, plain_http: bool) -> t.Iterator[str]:
    """What is wrong with the address of a part of Edge."""
    try:
        parts = urlsplit(value)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.query or parts.fragment:
        yield f"{name} is {value!r}. Write https://HOST/PATH."
    elif host == "googleapis.com" or host.endswith(".googleapis.com"):
        yield f"{name} is {value!r}, an address of Apigee X. {ALTERNATIVE}."
    elif parts.scheme == "http" and not plain_http and not _is_loopback(host):
        yield (f"{name} is {value!r}: the gateway's secret and all keys would travel in clear. Write https, or set "
               "plain_http: true if the network in between is protected otherwise.")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _variables(gateway: Gateway) -> t.Iterator[str]:
    for name, value in gateway.variables.items():
        if name == "EDGEMICRO_LOCAL":
            yield ("variables.EDGEMICRO_LOCAL makes an open gateway: keys, tokens and quotas are not asked for, and "
                   f"the last even with the value {value!r}. Leave it out; open: true says it where it is meant.")
        elif name == "NODE_TLS_REJECT_UNAUTHORIZED":
            yield ("variables.NODE_TLS_REJECT_UNAUTHORIZED lets anybody answer for Edge. Leave it out and give the "
                   "authority's certificate with NODE_EXTRA_CA_CERTS.")
        elif name in _OURS:
            yield f"variables.{name} follows from the declaration. Leave it out."


# -- the sequence of plugins ------------------------------------------------------------------------------------
def _sequence(gateway: Gateway) -> t.Iterator[str]:
    names = [plugin.name for plugin in gateway.plugins]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"plugins has {name} more than once. Write it where it shall run."
    for name in dict.fromkeys(names):
        if name == guard.NAME:
            yield f"plugins has {name}, which always runs first. Leave it out."
        elif name == "analytics":
            yield "plugins has analytics, which the engine puts first itself. Leave it out; analytics: false turns it off."
        elif name not in BUILT_IN and name not in gateway.own_plugins:
            near = difflib.get_close_matches(name, [*BUILT_IN, *gateway.own_plugins], n=1, cutoff=0.6)
            advice = f"Write {near[0]}" if near else "Name it in own_plugins if your image has it"
            yield f"plugins has {name}, which the engine does not know and would leave out. {advice}."
    asking = [name for name in names if name in KEY_PLUGINS or name in OTHER_AUTHENTICATION]
    if not asking and not gateway.open:
        yield "plugins has none that asks for a key or a token. Add oauth, or say open: true if everybody may call."
    if asking and gateway.open:
        yield f"open is true, and plugins has {asking[0]}. Leave out one of both."
    first = names.index(asking[0]) if asking else len(names)
    if "quota" in names and (not asking or names.index("quota") < first):
        yield "plugins has quota before who calls is known: it would count nothing. Put it after oauth."
    if "healthcheck" in names and names.index("healthcheck") > first:
        yield f"plugins has healthcheck after {asking[0]}: probes bring no key and would get 401. Put it first."


# -- addresses without plugins ----------------------------------------------------------------------------------
def _exclusions(gateway: Gateway) -> t.Iterator[str]:
    places = {"exclude_urls": gateway.exclude_urls}
    places |= {f"plugins.{one.name}.settings.excludeUrls": one.settings.get("excludeUrls", "") for one in gateway.plugins}
    for place, value in places.items():
        if not isinstance(value, str):
            yield f"{place} is {value!r}. Write paths separated by commas."
            continue
        for path in value.split(",") if value else ():
            yield from _exclusion(place, path)


def _exclusion(place: str, path: str) -> t.Iterator[str]:
    decoded = unquote(unquote(path))
    if not path.startswith("/") or path != path.strip() or path.startswith("//"):
        yield f"{place} has {path!r}. Write a path from its first slash on, without blanks around it."
    elif re.search(r"[*?\[\]{}()!+]", path):
        yield (f"{place} has {path!r}: some versions of the engine take a wildcard as it stands and exclude nothing, in "
               "others it opens protected paths, by dots behind it, to anybody. Write every path out.")
    elif path != decoded or {".", ".."} & set(path.split("/")) or "\\" in path:
        yield f"{place} has {path!r}, which the guard refuses in requests. Write the path plainly."


# -- settings of plugins ----------------------------------------------------------------------------------------
def _settings(gateway: Gateway) -> t.Iterator[str]:
    for plugin in gateway.plugins:
        if plugin.name in KEY_PLUGINS:
            yield from _keys(plugin)
    spike, quota = gateway.plugin("spikearrest"), gateway.plugin("quota")
    if spike:
        yield from _spike_arrest(spike)
    if quota:
        yield from _quota(quota)


def _keys(plugin: Plugin) -> t.Iterator[str]:
    place = f"plugins.{plugin.name}.settings"
    for name, effect in (("allowNoAuthorization", "calls without a key or token pass"),
                         ("allowInvalidAuthorization", "calls with any forged token pass")):
        value = plugin.settings.get(name, False)
        if value is not False:
            yield f"{place}.{name} is {value!r}: {effect}. Leave it out; if everybody may call, leave out {plugin.name}."
    for name in ("verify_api_key_url", "public_key", "jwk_keys"):
        if name in plugin.settings:
            yield f"{place}.{name} follows from authentication. Leave it out."


def _spike_arrest(plugin: Plugin) -> t.Iterator[str]:
    place = "plugins.spikearrest.settings"
    unit, allow = plugin.settings.get("timeUnit"), plugin.settings.get("allow")
    if unit not in ("second", "minute"):
        yield f"{place}.timeUnit is {unit!r}. Write second or minute."
    if not isinstance(allow, int) or isinstance(allow, bool) or allow < 1:
        yield f"{place}.allow is {allow!r}. Write how many calls may come in a {unit or 'second'}."


def _quota(plugin: Plugin) -> t.Iterator[str]:
    sizes = plugin.settings.get("bufferSize", {})
    place = "plugins.quota.settings.bufferSize"
    if not isinstance(sizes, dict) or not all(isinstance(one, int) and one >= 0 for one in sizes.values()):
        yield f"{place} is {sizes!r}. Write units of time and numbers, such as default: 0."
        return
    zeros = [unit for unit, size in sizes.items() if size == 0 and unit != "default"]
    default = sizes.get("default", 10000)
    if zeros and default:
        yield (f"{place}.{zeros[0]} is 0, for which the engine takes the default, {default}: every process then counts for "
               "itself and asks Edge now and then, so that more calls pass than may. Write default: 0.")


# -- what is on Edge --------------------------------------------------------------------------------------------
def _proxies(gateway: Gateway) -> t.Iterator[str]:
    if gateway.mode == SIDECAR:
        if gateway.proxies:
            yield (f"proxies has {gateway.proxies[0].name}: a sidecar's engine makes its one proxy itself, and none has "
                   "to be on Edge. Leave proxies out.")
        return
    if not gateway.proxies:
        yield "proxies is empty: the gateway would answer everything with 404. Name the proxies that it serves."
    for proxy in gateway.proxies:
        if not proxy.name.startswith(AWARE):
            yield f"proxies has {proxy.name!r}: gateways download only those named {AWARE}... Rename it on Edge."
        yield from _base_path(proxy)
        yield from _target(proxy)
    paths = [proxy.base_path.rstrip("/") for proxy in gateway.proxies]
    for path in sorted({path for path in paths if paths.count(path) > 1}):
        yield f"proxies has the base path {path or '/'} more than once. Edge deploys only one of them."
    health = gateway.plugin("healthcheck")
    if health:
        wanted = str(health.settings.get("healthcheck_url", _HEALTH_PATH))
        if not any(f"{wanted}/".startswith(f"{path}/") for path in paths):
            yield (f"plugins has healthcheck, and no proxy has a base path for {wanted}: the engine answers 404 before any "
                   f"plugin runs. Add a proxy such as {AWARE}health with base_path {wanted}.")


def _base_path(proxy: Proxy) -> t.Iterator[str]:
    path = proxy.base_path
    if not path.startswith("/") or re.search(r"[*?\[\]{}()!+|\\\s%#]", path) or {".", ".."} & set(path.split("/")):
        yield (f"proxies.{proxy.name}.base_path is {path!r}. Write a plain path such as /orders; the engine takes it as a "
               "pattern, and what it does with signs of patterns is not what Edge does.")


def _target(proxy: Proxy) -> t.Iterator[str]:
    if not proxy.target:
        return
    try:
        parts = urlsplit(proxy.target)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username
    except ValueError:
        good = False
    if not good:
        yield f"proxies.{proxy.name}.target is {proxy.target!r}. Write http://HOST:PORT/PATH."


def _products(gateway: Gateway) -> t.Iterator[str]:
    names = {proxy.name for proxy in gateway.proxies}
    for product in gateway.products:
        place = f"products.{product.name}"
        yield from keys(f"{place}.", product)
        unknown = [name for name in product.proxies if name.startswith(AWARE) and name not in names]
        if unknown and gateway.mode != SIDECAR:
            yield f"{place}.proxies has {unknown[0]}, which is not in proxies. Add it there or leave it out here."
        yield from resource_paths(f"{place}.paths", product)


def keys(place: str, product: Product) -> t.Iterator[str]:
    """Why no key of a product would be taken. ``place`` is what its fields' names stand behind."""
    if AUTH_PROXY not in product.proxies:
        yield f"{place}proxies lacks {AUTH_PROXY}: Edge would refuse its keys. Add it."


def resource_paths(place: str, product: Product) -> t.Iterator[str]:
    """What is wrong with a product's paths, which the engine takes otherwise than Edge. ``place`` names them."""
    if not product.paths:
        yield f"{place} is empty, which opens every path of its proxies. Write the paths, or / for all of them."
    if "/" in product.paths and len(product.paths) > 1:
        yield f"{place} has /, which opens everything, beside others. Write / alone, or leave it out."
    for path in product.paths:
        if not path.startswith("/") or re.search(r"[?\[\]{}()+|\\^$\s]", path):
            yield (f"{place} has {path!r}. Write a path from its first slash on; of patterns only * and ** are "
                   "known, and other signs become part of the engine's regular expression.")

# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""testbed call: a request from outside through Apigee, and what happened to it at each hop."""
from __future__ import annotations

import argparse
import datetime
import http.client
import json
import socket
import ssl
import time
import urllib.parse
import uuid
from typing import Any

from testbed.commands import common
from testbed.commands.common import CommandError, fancy
from testbed.state import State

HEADER = "X-Testbed-Trace"


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL", help="https://HOST/PATH; HOST is a host name of an environment group")
    parser.add_argument("-X", "--request", metavar="METHOD", help="default GET, or POST with -d")
    parser.add_argument("-H", "--header", action="append", default=[], metavar="'NAME: VALUE'")
    parser.add_argument("-d", "--data", metavar="TEXT", help="body; @FILE reads a file")
    parser.add_argument("--json", action="store_true", help="answer and hops for programs")
    parser.add_argument("--fresh", action="store_true",
                        help="let Apigee first forget DNS answers and open connections, which it keeps for a minute")
    parser.add_argument("--timeout", type=float, default=90.0, metavar="SECONDS")


def run(state: State, options: argparse.Namespace) -> int:
    common.require_up(state)
    if options.fresh:
        common.control(state, "DELETE", "/memory")
    facts = call(state, options.url, method=options.request, headers=options.header, data=_body(options.data),
                 timeout=options.timeout)
    print(json.dumps(facts, indent=2) if options.json else "\n".join(report(facts)))
    return 0 if facts["status"] < 400 else 22


def call(state: State, url: str, *, method: str | None = None, headers: list[str] | None = None,
         data: bytes | None = None, timeout: float = 90.0) -> dict[str, Any]:
    """Send the request to the instance that serves it, whatever DNS says of the host. Raises CommandError."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise CommandError(f"{url}: Apigee is called by https://HOST/PATH.")
    method = method or ("GET" if data is None else "POST")
    identity = uuid.uuid4().hex
    sent = [("Host", parts.netloc), (HEADER, identity), *(_header(line) for line in headers or [])]
    connection = state.connection()
    assert connection is not None  # required by run() and by every caller
    context = ssl.create_default_context(cafile=connection["northbound"]["ca_cert"])
    way = common.control(state, "GET", "/way?" + urllib.parse.urlencode({
        "host": parts.hostname, "path": parts.path or "/"}))
    link = http.client.HTTPConnection(parts.hostname, timeout=timeout)
    began = time.monotonic()
    try:
        plain = socket.create_connection((way["address"], connection["northbound"]["port"]), timeout)
        link.sock = context.wrap_socket(plain, server_hostname=parts.hostname)
        target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        link.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        names = {name.lower() for name, _value in sent}
        if data is not None and "content-length" not in names:
            sent.append(("Content-Length", str(len(data))))
        for name, value in sent:
            link.putheader(name, value)
        link.endheaders(data)
        answer = link.getresponse()
        body = answer.read()
    except ssl.SSLError as error:
        raise CommandError(f"{url}: TLS with Apigee failed: {error}.\n"
                           "Is the host name in an environment group, and an instance running? See: testbed status"
                           ) from error
    except OSError as error:
        raise CommandError(f"{url}: Apigee does not answer: {error}.\n"
                           "Is an instance running? See: testbed status") from error
    finally:
        link.close()
    trace = common.control(state, "GET", f"/trace/{identity}")
    return {
        **_summary(trace, body), "method": method, "url": url, "status": answer.status,
        "headers": [[name, value] for name, value in answer.getheaders()],
        "body": body.decode("utf-8", "replace"),
        "milliseconds": round((time.monotonic() - began) * 1000, 1),
        "trace": trace,
    }


def _summary(trace: dict[str, Any] | None, body: bytes) -> dict[str, Any]:
    """The facts of a call, each None where it does not apply: apigee, resolved, connected, tls, answered."""
    hops = (trace or {}).get("hops", [])
    proxy = next((hop for hop in hops if hop["kind"] == "proxy"), None)
    target = next((hop for hop in reversed(hops) if hop["kind"] == "target"), None) or {}
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    return {
        "apigee": trace and {"address": trace["address"], "instance": trace["instance"],
                             "environment": proxy["environment"] if proxy else None,
                             "proxy": proxy["name"] if proxy else None,
                             "revision": proxy["revision"] if proxy else None},
        "resolved": {"name": target["name"], **target["resolution"]} if target.get("resolution") else None,
        "connected": target.get("connected"),
        "tls": target.get("tls"),
        # The testbed's sample application says who it is.
        "answered": {"pod": said["pod"], "address": said.get("pod_address")}
        if isinstance(said, dict) and said.get("pod") else None,
    }


def report(facts: dict[str, Any]) -> list[str]:
    """Lines for people."""
    arrow = "\u2192" if fancy() else "->"
    lines = [f" {facts['method']} {facts['url']}"]
    hops = (facts["trace"] or {}).get("hops", [])
    if facts["apigee"]:
        seen = facts["apigee"]
        served = (f"environment {seen['environment']}, proxy {seen['proxy']} revision {seen['revision']}"
                  if seen["proxy"] else "no proxy took it")
        lines.append(f"   Apigee      {seen['address']}, {served}")
    for hop in hops:
        if hop["kind"] != "target":
            continue
        found = hop.get("resolution")
        if found:
            how = "from Apigee's cache" if found.get("from_cache") else "peered DNS"
            ttl = f", TTL {found['ttl']} s" if found.get("ttl") is not None else ""
            lines.append(f"   resolved    {hop['name']}  {arrow}  {', '.join(found['addresses'])}   ({how}{ttl})")
        elif not hop.get("connected"):
            lines.append(f"   resolved    {hop['name']}  {arrow}  nothing")
        if hop.get("connected"):
            connected = hop["connected"] if ":" in hop["connected"] else f"{hop['connected']}:{hop['port']}"
            lines.append(f"   connected   {connected}   ({hop.get('connection') or 'new'} connection)")
        if hop.get("tls"):
            lines.append(f"   TLS         {_tls(hop['tls'])}")
        if hop.get("error"):
            lines.append(f"   failed      {hop['error']}")
    who = facts["answered"]
    pod = f"pod {who['pod']} on {who['address']}   " if who else ""
    lines.append(f"   answered    {pod}{facts['status']} in {facts['milliseconds']:.0f} ms")
    fault = _fault(facts["body"])
    if fault:
        lines.append(f"   fault       {fault}")
    elif facts["body"].strip():
        lines += ["", *(f"   {line}" for line in facts["body"].strip().splitlines()[:40])]
    return lines


def _tls(seen: dict[str, Any]) -> str:
    """What Apigee saw of the target's certificate: issuer, names, expiry, whether it was found good."""
    parts = []
    if seen.get("issuer"):
        mark = "\u25b8" if fancy() else ">"
        own = ", ".join(seen["names"]) or seen.get("subject") or "no name"
        expires = datetime.datetime.fromisoformat(seen["expires"])
        left = (expires - datetime.datetime.now(datetime.timezone.utc)).days
        until = f"expires in {left} d" if left >= 0 else f"expired {-left} d ago"
        parts = [f"{seen['issuer'].replace('=', ' ', 1)} {mark} {own}", until]
    parts += [seen["protocol"]] if seen.get("protocol") else []
    return ", ".join([*parts, "verified" if seen.get("verified") else "not verified"])


def _fault(body: str) -> str:
    try:
        said = json.loads(body)
        detail = said["fault"].get("detail", {})
        reason = f" ({detail['reason']})" if detail.get("reason") else ""
        return f"{detail.get('errorcode', '')}{reason}: {said['fault'].get('faultstring', '')}"
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name.strip():
        raise CommandError(f"-H {line!r}: a header is NAME: VALUE.")
    return name.strip(), value.strip()


def _body(text: str | None) -> bytes | None:
    if text is None or not text.startswith("@"):
        return None if text is None else text.encode()
    try:
        with open(text[1:], "rb") as stream:
            return stream.read()
    except OSError as error:
        raise CommandError(f"-d {text}: {error.strerror}.") from error

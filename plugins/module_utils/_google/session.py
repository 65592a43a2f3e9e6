# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP session and one token for a whole module process. Private to the collection.

A :class:`Client` is shared by all objects of a run. Each object talks through its own :class:`Wire`, which counts its
calls and knows how long it may go on. Nothing here knows what a network or a cluster is.
"""

from __future__ import annotations

import dataclasses
import json
import threading
import typing as t
from urllib.parse import urlencode

from . import clock, credentials, endpoints, retries
from .errors import ApiError, CredentialsError, UnreachableError

USER_AGENT = "gatewayops.apigee_gke/0.1.0 (Ansible collection)"
#: Seconds to connect and to wait for a reply's bytes.
CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 60.0
#: Seconds that Google may take to notice that an API is enabled.
PROPAGATION = 240.0
#: Connections kept open to one host: more objects than this at once wait for each other.
CONNECTIONS = 16


@dataclasses.dataclass
class Counts:
    """Calls made: ``writes`` are those that change something; looking at an operation is a read."""

    reads: int = 0
    writes: int = 0


@dataclasses.dataclass(frozen=True)
class Reply:
    """A successful reply as it came."""

    status: int
    headers: t.Mapping[str, str]
    content: bytes

    def json(self) -> t.Any:
        """The document, or an empty dict when there is none."""
        if not self.content.strip():
            return {}
        try:
            return json.loads(self.content.decode("utf-8"))
        except ValueError as error:
            start = self.content[:200].decode("utf-8", "replace")
            raise UnreachableError(
                f"the reply is not Google's: no JSON but {start!r}. Is there a proxy or a login page on the way?"
            ) from error


class Client:
    """Talks to Google. Safe to use from several threads.

    An API that has its own addresses, credentials and errors is a subclass; when to repeat a call is the same.
    """

    error: t.ClassVar[type[ApiError]] = ApiError
    #: Service -> what every call's query has. Apigee's useful detail is only in this error format.
    always_asked: t.ClassVar[dict[str, list[tuple[str, str]]]] = {"apigee": [("$.xgafv", "2")]}
    #: Where else to look when there is no reply.
    whereabouts: t.ClassVar[str] = ", the endpoints option and CLOUDSDK_API_ENDPOINT_OVERRIDES_*"

    def __init__(self, options: t.Mapping[str, t.Any], on_secret: t.Callable[[str], None] | None = None) -> None:
        """``options`` are the common module options; ``on_secret`` is told every token obtained."""
        import requests
        import requests.adapters

        self._options = options
        self._endpoints = options.get("endpoints") or {}
        self._timeout = float(options.get("request_timeout") or READ_TIMEOUT)
        self._on_secret = on_secret or (lambda secret: None)
        self._session = requests.Session()
        adapter = requests.adapters.HTTPAdapter(pool_connections=CONNECTIONS, pool_maxsize=CONNECTIONS)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        self._session.headers["User-Agent"] = USER_AGENT
        #: File with the authorities to trust; the environment's or the system's when there is none.
        self._authorities: str | None = None
        self._credentials: t.Any = None
        self._credentials_project: str | None = None
        self._lock = threading.Lock()
        self._patient: clock.Deadline | None = None
        #: Calls sent for all objects together, repetitions not counted.
        self.sent = 0

    def be_patient(self) -> None:
        """An API was just enabled: Google takes a while to notice, so "not enabled" is not believed at once."""
        self._patient = clock.Deadline(PROPAGATION)

    def project(self) -> str | None:
        """The project that the credentials name, for a user who gives none."""
        with self._lock:
            self._load()
        return self._credentials_project

    def token(self) -> str:
        """A valid access token. Raises CredentialsError."""
        import google.auth.exceptions
        import google.auth.transport.requests

        with self._lock:
            self._load()
            found = self._credentials
            if found.token and found.valid:
                return str(found.token)
            if found.token and not hasattr(found, "refresh"):
                return str(found.token)
            try:
                found.refresh(google.auth.transport.requests.Request(session=_plain_session()))
            except google.auth.exceptions.TransportError as error:
                raise UnreachableError(
                    f"the token endpoint cannot be reached: {error}. Check the network and the token_uri of the key."
                ) from error
            except google.auth.exceptions.GoogleAuthError as error:
                raise CredentialsError(credentials.refusal(error, self._options)) from error
            self._on_secret(str(found.token))
            return str(found.token)

    def _load(self) -> None:
        if self._credentials is None:
            self._credentials, self._credentials_project = credentials.load(self._options)
            if getattr(self._credentials, "token", None):
                self._on_secret(str(self._credentials.token))

    def _renew(self, used: str) -> bool:
        """After a 401: drop the token if it is still the one used. False when there is no way to get another."""
        with self._lock:
            if self._options.get("access_token") and not self._options.get("impersonate_service_account"):
                return False
            if self._credentials.token == used:
                self._credentials.token = None
            return True

    def _given(self) -> str:
        """Where a token came from that we did not get ourselves, for a message."""
        return " given as access_token" if self._options.get("access_token") else ""

    def authorization(self, token: str) -> str:
        """The header by which a call says who makes it."""
        return f"Bearer {token}"

    def unknown(self, error: ApiError) -> str:
        """What to say and to do when the caller is not known."""
        return (
            f"Google refuses the access token{self._given()} ({error.said or 'HTTP 401'}). It is expired, "
            "revoked or for another Google: get a new one, or use auth_kind serviceaccount or application."
        )

    def base(self, service: str) -> str:
        """Where a service is, with a final slash."""
        return endpoints.base_url(service, self._endpoints)

    def url(self, service: str, path: str, query: t.Mapping[str, t.Any] | None = None) -> str:
        """The full address; list values of the query are repeated, None and empty ones left out."""
        pairs: list[tuple[str, str]] = []
        for key, value in (query or {}).items():
            for single in value if isinstance(value, list | tuple) else [value]:
                if single is None:
                    continue
                pairs.append((key, str(single).lower() if isinstance(single, bool) else str(single)))
        pairs += self.always_asked.get(service, [])
        address = self.base(service) + path.lstrip("/")
        return address + ("?" + urlencode(pairs, safe="$./:*,-") if pairs else "")

    def send(
        self,
        service: str,
        method: str,
        path: str,
        query: t.Mapping[str, t.Any] | None = None,
        body: t.Any = None,
        content: bytes | None = None,
        content_type: str | None = None,
        repeatable: bool | None = None,
        deadline: clock.Deadline | None = None,
        timeout: float | None = None,
        busy: bool = True,
    ) -> Reply:
        """Send one call, repeat it where that is right, and return the reply or raise a Failure.

        ``body`` is sent as JSON, ``content`` as it is. ``repeatable`` says that carrying the call out twice does no
        harm beyond a "conflict" (default: all methods but POST). ``busy`` repeats refusals that mean "not yet"
        until ``deadline`` (without one: five minutes).
        """
        if repeatable is None:
            repeatable = method != "POST"
        with self._lock:
            self.sent += 1
        url = self.url(service, path, query)
        headers = {"Accept": "application/json"}
        data = content
        if body is not None:
            data = json.dumps(body).encode("utf-8")
            headers["Content-Type"] = "application/json"
        if content_type:
            headers["Content-Type"] = content_type
        if data is None and method in ("POST", "PUT", "PATCH"):
            data = b""
        until = deadline or clock.Deadline(300)
        looks = retries.intervals()
        attempt = 0
        renewed = False
        uncertain = False
        while True:
            attempt += 1
            token = self.token()
            headers["Authorization"] = self.authorization(token)
            reply, why = self._once(method, url, headers, data, timeout)
            if reply is None:
                if attempt < retries.ATTEMPTS and repeatable:
                    uncertain = True
                    clock.sleep(clock.jitter(retries.pause(attempt, None)))
                    continue
                raise UnreachableError(
                    f"no reply to {method} {url}: {_cause(why)}. Check the network{self.whereabouts}.",
                    **{self.error.fact: {"method": method, "url": url, "message": _cause(why)}},
                )
            if reply.status < 400:
                return reply
            error = self.error.read(method, url, reply.status, reply.content, _request_id(reply.headers), uncertain)
            if reply.status == 401 and not renewed and self._renew(token):
                renewed = True
                continue
            if reply.status == 401:
                raise CredentialsError(self.unknown(error), **error.facts)
            again = reply.status in retries.NOT_DONE or (repeatable and reply.status in retries.PERHAPS_DONE)
            if again and attempt < retries.ATTEMPTS:
                uncertain = uncertain or reply.status != 429
                clock.sleep(clock.jitter(retries.pause(attempt, reply.headers.get("Retry-After"))))
                continue
            early = error.service_disabled and self._patient is not None and not self._patient.over()
            if busy and (early or retries.busy(error)) and not until.over():
                attempt = 0
                clock.sleep(min(clock.jitter(max(1.0, next(looks))), until.left()))
                continue
            raise error

    def upload(self, url: str, content: bytes, content_type: str) -> None:
        """PUT to an address that Google signed for this purpose. It takes no token, and is a secret itself."""
        self._on_secret(url)
        headers = {"Content-Type": content_type}
        shown = url.split("?", 1)[0]
        attempt = 0
        while True:
            attempt += 1
            with self._lock:
                self.sent += 1
            reply, why = self._once("PUT", url, headers, content, 600.0)
            if reply is not None and reply.status < 400:
                return
            passing = reply is None or reply.status in retries.NOT_DONE or reply.status in retries.PERHAPS_DONE
            if passing and attempt < retries.ATTEMPTS:
                clock.sleep(clock.jitter(retries.pause(attempt, reply.headers.get("Retry-After") if reply else None)))
                continue
            if reply is None:
                raise UnreachableError(f"no reply to PUT {shown}: {type(why).__name__}. Check the network.")
            raise ApiError.read("PUT", shown, reply.status, reply.content, _request_id(reply.headers), False)

    def _once(
        self, method: str, url: str, headers: dict[str, str], data: bytes | None, timeout: float | None
    ) -> tuple[Reply | None, Exception | None]:
        import requests

        try:
            reply = self._session.request(
                method,
                url,
                headers=headers,
                data=data,
                timeout=(CONNECT_TIMEOUT, timeout or self._timeout),
                allow_redirects=False,
                # Said for every request: a session's own gives way to the environment's list of authorities.
                verify=self._authorities,
            )
        except requests.exceptions.RequestException as error:
            return None, error
        return Reply(reply.status_code, reply.headers, reply.content), None


class Wire:
    """One object's line to Google: a client with its own counts and deadline."""

    def __init__(self, client: Client, budget: float = 300.0) -> None:
        self.client = client
        self.counts = Counts()
        # One object may have several calls under way.
        self._counting = threading.Lock()
        self.waited = 0.0
        #: Whether to wait while Google says that something else is running.
        self.patient = True
        self.deadline = clock.Deadline(budget)

    def send(self, service: str, method: str, path: str, counts_as_read: bool = False, **how: t.Any) -> Reply:
        """As :meth:`Client.send`; counted."""
        with self._counting:
            if method == "GET" or counts_as_read:
                self.counts.reads += 1
            else:
                self.counts.writes += 1
        how.setdefault("deadline", self.deadline)
        how.setdefault("busy", self.patient)
        return self.client.send(service, method, path, **how)

    def upload(self, url: str, content: bytes, content_type: str) -> None:
        """As :meth:`Client.upload`; counted."""
        with self._counting:
            self.counts.writes += 1
        self.client.upload(url, content, content_type)

    def get(self, service: str, path: str, query: t.Mapping[str, t.Any] | None = None) -> t.Any:
        """GET a document. Raises ApiError."""
        return self.send(service, "GET", path, query=query).json()

    def find(self, service: str, path: str, query: t.Mapping[str, t.Any] | None = None) -> t.Any | None:
        """GET a document, None when there is none (404)."""
        try:
            return self.get(service, path, query)
        except ApiError as error:
            if error.missing:
                return None
            raise

    def pages(
        self, service: str, path: str, items: str, query: t.Mapping[str, t.Any] | None = None
    ) -> list[dict[str, t.Any]]:
        """All entries of a list that pages by ``nextPageToken``; ``items`` names the array."""
        return [entry for page in self._all_pages(service, path, query) for entry in page.get(items) or []]

    def aggregated(self, path: str, items: str) -> list[dict[str, t.Any]]:
        """All entries of an aggregated list of Compute Engine, whatever place they are in; ``items`` names the arrays."""
        return [
            entry
            for page in self._all_pages("compute", path, None)
            for place in (page.get("items") or {}).values()
            for entry in place.get(items) or []
        ]

    def _all_pages(
        self, service: str, path: str, query: t.Mapping[str, t.Any] | None
    ) -> t.Iterator[dict[str, t.Any]]:
        asked = dict(query or {})
        while True:
            page = self.get(service, path, asked)
            yield page
            if not page.get("nextPageToken"):
                return
            asked["pageToken"] = page["nextPageToken"]


def _cause(error: BaseException | None) -> str:
    """The innermost reason of a requests exception, without the pools and retries around it."""
    while error is not None:
        inner = getattr(error, "reason", None) or (error.args[0] if error.args else None)
        if not isinstance(inner, BaseException):
            break
        error = inner
    return str(error).rsplit("object at 0x", 1)[-1].split(">: ", 1)[-1].split("): ", 1)[-1]


def _plain_session() -> t.Any:
    """The token endpoint gets its own session: google-auth adds no retries of ours to it."""
    import requests

    session = requests.Session()
    session.headers["User-Agent"] = USER_AGENT
    return session


def _request_id(headers: t.Mapping[str, str]) -> str:
    for name in ("X-Request-Id", "X-Goog-Request-Id", "X-Cloud-Trace-Context"):
        value = headers.get(name)
        if value:
            return str(value)
    return ""

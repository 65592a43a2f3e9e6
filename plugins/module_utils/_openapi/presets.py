# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ways of asking for a caller's identity, as one word each. Private to the collection.

Source: API Gateway documentation, "Using API keys", "Using JWT to authenticate users", "Using Google ID tokens to
authenticate users", "Using Firebase to authenticate users".
"""

from __future__ import annotations

import typing as t

Options = dict[str, t.Any]

#: Preset -> names of the definitions that a call must satisfy together. ``none`` is open to everyone.
PRESETS: dict[str, tuple[str, ...]] = {
    "api_key": ("api_key",),
    "jwt": ("jwt",),
    "api_key_and_jwt": ("api_key", "jwt"),
    "google_id_token": ("google_id_token",),
    "firebase": ("firebase",),
    "none": (),
}
_GOOGLE_ISSUER = "https://accounts.google.com"
_GOOGLE_KEYS = "https://www.googleapis.com/oauth2/v3/certs"
_FIREBASE_ISSUER = "https://securetoken.google.com/"
_FIREBASE_KEYS = "https://www.googleapis.com/service_accounts/v1/metadata/x509/securetoken@system.gserviceaccount.com"
_NEEDED = {
    "jwt": ("issuer", "jwks_uri"),
    "google_id_token": ("audiences",),
    "firebase": ("project",),
}


def requirement(preset: str) -> list[dict[str, list[str]]]:
    """A preset as OpenAPI's ``security``."""
    names = PRESETS[preset]
    return [{name: [] for name in names}] if names else []


def definitions(used: t.Iterable[str], settings: Options) -> Options:
    """``securityDefinitions`` for the presets in use. ``settings`` holds what problems() asks for."""
    names = [name for preset in used for name in PRESETS[preset]]
    return {name: _definition(name, settings) for name in dict.fromkeys(names)}


def problems(used: t.Iterable[str], settings: Options) -> list[str]:
    """What is missing for the presets in use, as sentences."""
    found = []
    for name in dict.fromkeys(name for preset in used if preset in PRESETS for name in PRESETS[preset]):
        stated = settings.get(name) or {}
        found += [
            f"security {name} needs {name}.{option}. State it."
            for option in _NEEDED.get(name, ())
            if not stated.get(option)
        ]
    return found


def _definition(name: str, settings: Options) -> Options:
    if name == "api_key":
        return {"type": "apiKey", "name": "x-api-key", "in": "header"}
    stated = settings[name]
    if name == "google_id_token":
        return _token(_GOOGLE_ISSUER, _GOOGLE_KEYS, stated["audiences"])
    if name == "firebase":
        return _token(_FIREBASE_ISSUER + stated["project"], _FIREBASE_KEYS, [stated["project"]])
    return _token(stated["issuer"], stated["jwks_uri"], stated.get("audiences") or [])


def _token(issuer: str, keys: str, audiences: list[str]) -> Options:
    found: Options = {
        "type": "oauth2",
        "flow": "implicit",
        # OpenAPI wants the field; API Gateway sends nobody there.
        "authorizationUrl": "",
        "x-google-issuer": issuer,
        "x-google-jwks_uri": keys,
    }
    if audiences:
        found["x-google-audiences"] = ",".join(audiences)
    return found

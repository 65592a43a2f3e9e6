# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The digest knows what is content and what is not: properties over made-up bundles."""

from __future__ import annotations

import io
import zipfile
from xml.sax.saxutils import escape, quoteattr

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee import bundle, diff, digest, generate
from hypothesis import given, settings
from hypothesis import strategies as st

# A document is (tag, attributes, children or text): enough to write the same thing in many layouts.
_names = st.sampled_from(["Step", "Name", "Quota", "Header", "Payload", "Set", "Allow", "Path"])
_values = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co"]), max_size=12)
_texts = _values.filter(lambda text: bool(text.strip()))
_attributes = st.dictionaries(st.sampled_from(["name", "ref", "count", "async"]), _values, max_size=3)
_documents = st.recursive(
    st.tuples(_names, _attributes, st.one_of(st.just([]), _texts)),
    lambda children: st.tuples(_names, _attributes, st.lists(children, min_size=1, max_size=3)),
    max_leaves=8,
)
_bundles = st.dictionaries(
    st.sampled_from(["policies/A.xml", "policies/B.xml", "proxies/default.xml", "targets/default.xml"]),
    _documents,
    min_size=1,
).map(lambda documents: {"apiproxy/" + path: document for path, document in documents.items()})


def written(document, layout, depth: int = 0) -> str:
    """Write a document; ``layout`` draws the order of attributes and the space between elements."""
    tag, attributes, content = document
    keys = layout.draw(st.permutations(list(attributes)))
    opening = tag + "".join(f" {key}={quoteattr(attributes[key])}" for key in keys)
    if not content:
        return layout.draw(st.sampled_from([f"<{opening}/>", f"<{opening}></{tag}>"]))
    if isinstance(content, str):
        return f"<{opening}>{escape(content)}</{tag}>"
    space = layout.draw(st.sampled_from(["", " ", "\n", "\r\n\t", "\n    ", "<!-- a comment -->\n"]))
    inner = "".join(space + written(child, layout, depth + 1) for child in content)
    return f"<{opening}>{inner}{space}</{tag}>"


def made(documents: dict, layout) -> bundle.Bundle:
    declaration = layout.draw(st.sampled_from(["", '<?xml version="1.0" encoding="UTF-8"?>\n']))
    order = layout.draw(st.permutations(list(documents)))
    return bundle.Bundle({path: (declaration + written(documents[path], layout)).encode() for path in order})


def rezipped(proxy: bundle.Bundle, layout) -> bundle.Bundle:
    buffer = io.BytesIO()
    with zipfile.ZipFile(
        buffer, "w", layout.draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
    ) as archive:
        for path in layout.draw(st.permutations(list(proxy.files))):
            archive.writestr(
                zipfile.ZipInfo(path, (layout.draw(st.integers(1980, 2100)), 1, 1, 0, 0, 0)), proxy.files[path]
            )
    return bundle.from_zip(buffer.getvalue())


@given(_bundles, st.data())
def test_layout_and_zipping_do_not_count(documents, layout) -> None:
    first, second = made(documents, layout), made(documents, layout)
    assert digest.digest(first) == digest.digest(second) == digest.digest(rezipped(second, layout))
    assert diff.compare(first, second) == []


@given(_bundles, _bundles, st.data())
def test_different_content_gives_different_digests(left, right, layout) -> None:
    first, second = made(left, layout), made(right, layout)
    assert (digest.digest(first) == digest.digest(second)) == (normal(left) == normal(right))
    assert (diff.compare(first, second) == []) == (normal(left) == normal(right))


def normal(documents: dict) -> dict:
    """Children and text by value; an empty list and an empty text are the same content."""

    def one(document):
        tag, attributes, content = document
        # XML itself turns a carriage return or tab of an attribute into a reference here, so values survive unchanged.
        return tag, attributes, content if isinstance(content, str) else [one(child) for child in content]

    return {path: one(document) for path, document in documents.items()}


@given(_bundles, st.data())
def test_one_changed_leaf_changes_the_digest(documents, layout) -> None:
    path = layout.draw(st.sampled_from(sorted(documents)))

    def altered(document):
        tag, attributes, content = document
        if isinstance(content, list) and content:
            index = layout.draw(st.integers(0, len(content) - 1))
            return tag, attributes, [altered(c) if i == index else c for i, c in enumerate(content)]
        change = layout.draw(st.sampled_from(["text", "attribute", "tag"]))
        if change == "text":
            return tag, attributes, (content or "") + "x"
        if change == "attribute":
            return tag, {**attributes, "added": "1"}, content
        return tag + "Other", attributes, content

    changed = {**documents, path: altered(documents[path])}
    assert digest.digest(made(documents, layout)) != digest.digest(made(changed, layout))


_server_parts = st.lists(
    st.sampled_from([
        "<CreatedAt>1763700000000</CreatedAt>", "<CreatedBy>someone@example.com</CreatedBy>",
        "<LastModifiedAt>1763700000001</LastModifiedAt>", "<LastModifiedBy>other@example.com</LastModifiedBy>",
        "<ManifestVersion>SHA-512:0123</ManifestVersion>", "<Policies><Policy>Quota</Policy></Policies>",
        "<ProxyEndpoints><ProxyEndpoint>default</ProxyEndpoint></ProxyEndpoints>", "<Resources/>", "<Spec/>",
        "<TargetServers/>", "<BasePaths>/orders</BasePaths>", "<DisplayName>orders</DisplayName>",
        '<ConfigurationVersion majorVersion="4" minorVersion="0"/>', "<TargetEndpoints/>", "<Description/>",
    ]),
    unique=True,
)  # fmt: skip


@given(_server_parts, st.integers(1, 250))
def test_what_apigee_adds_to_a_downloaded_bundle_does_not_count(parts, revision) -> None:
    sent = bundle.Bundle(
        {"apiproxy/my-orders.xml": b'<APIProxy name="orders"/>', "apiproxy/policies/Q.xml": b"<Quota/>"}
    )
    descriptor = f'<APIProxy revision="{revision}" name="orders">{"".join(parts)}</APIProxy>'
    back = bundle.Bundle({
        "apiproxy/orders.xml": descriptor.encode(),
        "apiproxy/policies/Q.xml": b'<?xml version="1.0"?>\n<Quota/>',
        "apiproxy/manifests/manifest.xml": b"<Manifest/>",
    })  # fmt: skip
    assert digest.digest(sent) == digest.digest(back)


def test_the_description_of_the_descriptor_counts() -> None:
    plain = generate.generate("orders", "/orders", ["orders"], description="one")
    other = generate.generate("orders", "/orders", ["orders"], description="two")
    assert digest.digest(plain) != digest.digest(other)


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_resources_count_byte_by_byte(left, right) -> None:
    bundles = [
        bundle.Bundle({"apiproxy/a.xml": b"<APIProxy/>", "apiproxy/resources/jsc/a.js": d}) for d in (left, right)
    ]
    assert (digest.digest(bundles[0]) == digest.digest(bundles[1])) == (left == right)


def test_space_inside_a_payload_counts_and_blank_flows_do_not() -> None:
    def with_policy(text: bytes) -> str:
        return digest.digest(
            bundle.Bundle(
                {
                    "apiproxy/policies/P.xml": b"<AssignMessage><Set><Payload>"
                    + text
                    + b"</Payload></Set></AssignMessage>"
                }
            )
        )

    def with_proxy(text: bytes) -> str:
        return digest.digest(
            bundle.Bundle({"apiproxy/proxies/P.xml": b"<ProxyEndpoint><Flows>" + text + b"</Flows></ProxyEndpoint>"})
        )

    assert with_policy(b" a") != with_policy(b"a")
    assert with_policy(b" ") != with_policy(b"")
    assert with_policy(b"a <b/> c") != with_policy(b"a<b/>c")
    assert with_policy(b'<p xml:space="preserve"> <b/></p>') != with_policy(b'<p xml:space="preserve"><b/></p>')
    assert with_proxy(b"\n  ") == with_proxy(b"")


def test_the_digest_fits_a_label() -> None:
    text = digest.digest(generate.generate("orders", "/orders", ["orders"]))
    assert len(text) == digest.DIGITS <= 63 and set(text) <= set("0123456789abcdef")


@settings(max_examples=50)
@given(_bundles, st.data())
def test_malformed_files_count_by_their_bytes(documents, layout) -> None:
    proxy = made(documents, layout)
    path = sorted(proxy.files)[0]
    broken = bundle.Bundle({**proxy.files, path: proxy.files[path] + b"<"})
    more = bundle.Bundle({**proxy.files, path: proxy.files[path] + b"<<"})
    assert len({digest.digest(b) for b in (proxy, broken, more)}) == 3

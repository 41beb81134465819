"""The log as outsiders read it: checkpoints, keys and tiles for everybody, what leaves say for
auditors. Source: C2SP tlog-tiles, tlog-checkpoint, tlog-cosignature,
tlog-proof."""

import base64
import re
import tempfile
from collections.abc import Sequence
from typing import Any

from flask import Response, stream_with_context

from consent_service.disclosures.schemas import (
    CheckpointQuery,
    ConsistencyQuery,
    HashList,
    InclusionQuery,
    PackQuery,
)
from consent_service.kernel.errors import NotFound
from consent_service.ledger import batches, log_keys, packs, proofs
from consent_service.ledger.tiles import read_address
from consent_service.oauth.guard import require_scope
from consent_service.web.api import Reply, Routes
from consent_service.web.runtime import keys, runtime

api = Routes("log", "The log's tree: checkpoints, tiles and proofs")

_FOR_GOOD = "public, max-age=31536000, immutable"
_NOTE = {"type": "string"}
_CHUNK = 1 << 16
_BYTES = {"type": "string", "format": "binary"}
_OCTETS = "application/octet-stream"
_LEVEL = re.compile(r"[0-9]|[1-5][0-9]|6[0-3]", re.ASCII)


@api.route("/v1/log/checkpoint", "GET")
@api.query(CheckpointQuery)
@api.reply(
    200, _NOTE, "A signed note, with the lines of the witnesses that co-signed", "text/plain"
)
@api.problem(404)
def show_checkpoint(query: dict[str, Any]) -> Response:
    """The newest signed tree: the log's name, how many leaves, their root; with `witnessed=true`
    the newest that a witness co-signed. 404 before the first."""
    return _text(proofs.get_checkpoint(witnessed=query["witnessed"]).note, "no-cache")


@api.route("/v1/log/key", "GET")
@api.reply(200, _NOTE, "Verifier keys, a line each, the newest first", "text/plain")
def show_key() -> Response:
    """The public keys that sign checkpoints. Keep them elsewhere than the log."""
    origin = proofs.origin_of(runtime().settings.base_url)
    lines = [f"{verifier}\n" for verifier in log_keys.verifiers(keys(), origin)]
    return _text("".join(lines), "public, max-age=300")


@api.route("/v1/log/tile/<level>/<path:address>", "GET")
@api.reply(200, _BYTES, "Hashes, one after another", _OCTETS)
@api.problem(404)
def show_tile(level: str, address: str) -> Response:
    """A tile of the tree: up to 256 hashes. `address` is such as `x001/067` or `000.p/7`."""
    if not _LEVEL.fullmatch(level):
        raise NotFound()
    return _octets(proofs.get_tile(int(level), *_read(address)), _FOR_GOOD)


@api.route("/v1/log/tile/entries/<path:address>", "GET")
@require_scope("disclosures:read")
@api.reply(200, _BYTES, "Leaves, each after its length in two bytes", _OCTETS)
@api.problem(404)
def show_entries(address: str) -> Response:
    """What the leaves of a tile say, as RFC 8785 JSON."""
    return _octets(proofs.get_bundle(*_read(address)), "private, max-age=31536000, immutable")


@api.route("/v1/log/proof/inclusion", "GET")
@require_scope("disclosures:read")
@api.query(InclusionQuery)
@api.reply(200, HashList, "The proof")
def prove_inclusion(query: dict[str, Any]) -> Reply:
    """Proves that a leaf is in the tree of a size (RFC 6962)."""
    return _hashes(proofs.prove_inclusion(query["index"], query["size"]))


@api.route("/v1/log/proof/consistency", "GET")
@require_scope("disclosures:read")
@api.query(ConsistencyQuery)
@api.reply(200, HashList, "The proof")
def prove_consistency(query: dict[str, Any]) -> Reply:
    """Proves that the tree of a size grew into a larger one by adding leaves alone (RFC 6962)."""
    return _hashes(proofs.prove_consistency(query["first"], query["second"]))


@api.route("/v1/log/packs", "GET")
@require_scope("disclosures:read")
@api.query(PackQuery)
@api.reply(200, _BYTES, "A ZIP", "application/zip")
@api.problem(404)
def write_pack(query: dict[str, Any]) -> Response:
    """An evidence pack: the leaves since the log had so many, with all it takes to check them."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the response
    origin = proofs.origin_of(runtime().settings.base_url)
    try:
        signed = packs.write_pack(file, query["since"], log_keys.verifiers(keys(), origin))
    except BaseException:
        file.close()
        raise
    length = file.tell()
    file.seek(0)
    response = Response(iter(lambda: file.read(_CHUNK), b""), mimetype="application/zip")
    response.call_on_close(file.close)
    response.content_length = length
    name = f"log-{query['since']}-{signed.size}.zip"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return _cached(response, "no-store")


@api.route("/v1/log/batches/<int:index>", "GET")
@require_scope("disclosures:read")
@api.reply(200, _NOTE, "A line of JSON an answer", "application/x-ndjson")
@api.problem(404)
def list_answers(index: int) -> Response:
    """The answers that a leaf of kind `batch` stands for, in their order: `index`, `answer`, its
    `hash`, and its `leaf`, null once the entry is gone."""
    said = stream_with_context(batches.get_lines(index))
    lines = Response(said, mimetype="application/x-ndjson")
    return _cached(lines, "no-store")


@api.route("/v1/log/receipts/<int:index>", "GET")
@require_scope("disclosures:read")
@api.reply(200, _NOTE, "A receipt, to be checked offline", "text/plain")
@api.problem(404)
def show_receipt(index: int) -> Response:
    """A leaf's proof together with the checkpoint it leads to."""
    return _text(proofs.write_receipt(index), "no-store")


def _read(address: str) -> tuple[int, int]:
    found = read_address(address)
    if found is None:
        raise NotFound()
    return found


def _hashes(hashes: Sequence[bytes]) -> Reply:
    return Reply({"hashes": [base64.b64encode(one).decode() for one in hashes]})


def _text(text: str, caching: str) -> Response:
    return _cached(Response(text, mimetype="text/plain"), caching)


def _octets(raw: bytes, caching: str) -> Response:
    return _cached(Response(raw, mimetype=_OCTETS), caching)


def _cached(response: Response, caching: str) -> Response:
    response.headers["Cache-Control"] = caching
    return response

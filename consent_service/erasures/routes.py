"""The certificate of an erasure."""

from flask import Response

from consent_service.erasures import service
from consent_service.oauth.guard import require_scope
from consent_service.privacy_requests.model import parse_request_id
from consent_service.web.api import Routes

api = Routes("erasures", "Certificates of erasures")


@api.route("/v1/privacy-requests/<id:request_id>/certificate", "GET")
@require_scope("requests:read")
@api.reply(200, {"type": "string"}, "The certificate, a signed JWS", "application/jose")
@api.problem(404)
@api.problem(409)
def show_certificate(request_id: str) -> Response:
    """What was erased and what not, signed: check it with the keys of `/oauth/jwks.json`."""
    signed = service.get_certificate(parse_request_id(request_id))
    return Response(signed, mimetype="application/jose")

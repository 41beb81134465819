"""The report of effort scores."""

from dataclasses import asdict

from consent_service.effort_scores import service
from consent_service.effort_scores.schemas import EffortReply
from consent_service.oauth.guard import require_scope
from consent_service.web.api import Reply, Routes

api = Routes("effort_scores", "How easy people found it")


@api.route("/v1/reports/effort", "GET")
@require_scope("reports:read")
@api.reply(200, EffortReply, "How often each score was given, by month")
def list_counts() -> Reply:
    """Count the answers to "how easy was this?", by month, occasion and score."""
    return Reply({"items": [asdict(each) for each in service.list_counts()], "next_cursor": None})

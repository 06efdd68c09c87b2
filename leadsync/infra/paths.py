"""Whose an address of ours is."""

from django.http import HttpRequest


def is_api(request: HttpRequest) -> bool:
    """Whether it is a bot's or a service's: answered in JSON and in English."""
    return f"{request.path}/".startswith(("/api/", "/sarah/", "/webhooks/"))

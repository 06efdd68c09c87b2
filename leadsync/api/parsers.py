"""Parsers and content negotiation."""

import json
from collections.abc import Iterable
from io import BytesIO
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from leadsync.infra.bodies import read_body


class AlwaysJSON(BaseContentNegotiation):
    """Answers JSON whatever the client accepts: a refusal would cost the message."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


class LimitedJSONParser(JSONParser):
    """DRF's parser with a limit. DRF's own reads bodies of any size, lets RecursionError through,
    and accepts lone surrogates, which no answer could repeat."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        raw = read_body(parser_context["request"])
        try:
            body = super().parse(BytesIO(raw), media_type, parser_context)
            json.dumps(body, ensure_ascii=False).encode()  # refuses lone surrogates
        except (ParseError, RecursionError, UnicodeEncodeError):
            raise ParseError("The body is not JSON. Send one JSON object.") from None
        return body

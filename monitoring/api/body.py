"""How the body of a request about failures is read."""

import json
from io import BytesIO
from typing import IO, Any

from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser

MAX_BODY = 64 * 1024


class BodyTooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = f"The body is over {MAX_BODY // 1024} KiB. Send less."
    default_code = "payload_too_large"


class LimitedJSONParser(JSONParser):
    """DRF's own reads a body of any size, lets the error of too deep a nesting through, and takes
    halves of characters, which no answer could repeat."""

    def parse(self, stream: IO[bytes], *args: Any, **kwargs: Any) -> Any:
        raw = stream.read(MAX_BODY + 1)
        if len(raw) > MAX_BODY:
            raise BodyTooLarge
        try:
            body = super().parse(BytesIO(raw), *args, **kwargs)
            json.dumps(body, ensure_ascii=False).encode()  # no half of a character
        except (ParseError, RecursionError, UnicodeEncodeError):
            raise ParseError("The body is not JSON. Send one JSON object.") from None
        return body

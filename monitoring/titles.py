"""The title of a cause: its concrete reason in a sentence, with names of programs in backticks."""

from typing import Any

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from monitoring.kinds import Kind, Source


class Why(models.TextChoices):
    """Why a message was refused: the subject of its cause."""

    NO_PHONE = "no_phone", gettext_lazy("`contact_phone` is missing")
    BAD_PHONE = "bad_phone", gettext_lazy("`contact_phone` is no phone number")
    NOT_JSON = "not_json", gettext_lazy("A message is no JSON object")
    TOO_LARGE = "too_large", gettext_lazy("A message is too large")
    KEY_ENDED = "key_ended", gettext_lazy("A key that is no longer valid is still in use")
    NO_RIGHT = "no_right", gettext_lazy("A key may not write conversations")
    FOREIGN = "foreign", gettext_lazy("A key names another workspace than its own")


MENDED_IN_BODY = (Why.NO_PHONE, Why.BAD_PHONE, Why.NOT_JSON)
"""What a person can correct in the message itself."""

GENERAL: dict[str, Any] = {
    Kind.CONTACT_NOT_FOUND: gettext_lazy("People who are no leads yet write to Sarah"),
    Kind.AMBIGUOUS_CONTACT: gettext_lazy("A phone is a lead in several workspaces"),
    Kind.WORKSPACE_NOT_FOUND: gettext_lazy("Workspaces that bots name do not exist"),
    Kind.SYNC_ERROR: gettext_lazy("Copying to the lead failed"),
    Kind.INVALID_PAYLOAD: gettext_lazy("A message had fields that cannot be used"),
    Kind.REJECTED_PAYLOAD: gettext_lazy("Messages were refused"),
}
CONCRETE: dict[str, Any] = {
    Kind.CONTACT_NOT_FOUND: gettext_lazy("People who are no leads yet write to Sarah in {subject}"),
    Kind.WORKSPACE_NOT_FOUND: gettext_lazy("Workspace {subject} does not exist"),
    Kind.INVALID_PAYLOAD: gettext_lazy("{subject} cannot be used"),
}
"""Of causes with a subject."""
ELSEWHERE: dict[str, Any] = {
    Source.BACKGROUND: gettext_lazy("Background work failed"),
    Source.KAPSO: gettext_lazy("A delivery from Kapso broke"),
}


def title_of(*, source: str, kind: str, subject: str = "", exception: str = "") -> str:
    """Return the reason of such a cause."""
    if kind == Kind.REJECTED_PAYLOAD and subject in Why.values:
        return str(Why(subject).label)
    if subject and kind in CONCRETE:
        names = ", ".join(f"`{name}`" for name in subject.replace("`", "'").split(", "))
        return str(CONCRETE[kind]).format(subject=names)
    if source == Source.KAPSO and kind == Kind.INVALID_PAYLOAD:
        return _("Kapso sent something that LeadSync does not know")
    if kind == Kind.REJECTED_PAYLOAD and exception:
        return _("LeadSync broke on a message: `%s`") % exception
    text = str(ELSEWHERE[source] if source in ELSEWHERE else GENERAL[kind])
    return f"{text}: `{exception}`" if exception else text

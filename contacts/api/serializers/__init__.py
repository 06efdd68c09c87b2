"""JSON of leads, by subject."""

from contacts.api.serializers.leads import (
    ChatMessageSerializer,
    LeadDetailSerializer,
    LeadSerializer,
    NoteSerializer,
    StatusChangeSerializer,
)
from contacts.api.serializers.numbers import (
    AnsweredSerializer,
    DigestQuerySerializer,
    DigestSerializer,
    NewByPeriodSerializer,
    NewLeadsSerializer,
    StatsSerializer,
)
from contacts.api.serializers.timeline import TimelineEntrySerializer, TimelineSerializer
from contacts.api.serializers.writes import (
    MovedLeadSerializer,
    MoveSerializer,
    NewNoteSerializer,
    WrittenNoteSerializer,
)

"""Models of workspaces, leads and their history."""

from contacts.models.chat import (
    MAX_CHAT_TEXT,
    MAX_REASON,
    MAX_WAMID,
    Author,
    ChatMark,
    ChatMessage,
    ChatQuerySet,
    DeliveryStatus,
)
from contacts.models.choices import Language, Temperature
from contacts.models.clocks import CLOCK, Answers, started
from contacts.models.contacts import HOLDABLE, MAX_SCORE, MAX_TEAM_SIZE, Contact
from contacts.models.departures import DEPARTURES_KEPT_FOR, Departure, How
from contacts.models.edits import Edit
from contacts.models.erasures import Erasure
from contacts.models.follow_ups import MAX_STEP, FollowUp, FollowUpQuerySet, Outcome
from contacts.models.history import MAX_NOTE, Assignment, Note, NoteKind, StatusChange
from contacts.models.hours import MAX_HOLIDAYS
from contacts.models.members import Load, Membership, colleagues_of, who_may_see
from contacts.models.merges import Merge, MergeSuggestion
from contacts.models.moves import AddressChange
from contacts.models.pauses import MAX_PAUSE_REASON, UNTIL_HANDED_BACK, Pausable
from contacts.models.preferences import MarketingWord
from contacts.models.questions import HOT, HOT_SCORE, SHOWN_NAME, ContactQuerySet
from contacts.models.saved_views import MAX_QUERY, MAX_VIEW_NAME, MAX_VIEWS, SavedView
from contacts.models.standing import Milestone, Standing
from contacts.models.workspaces import MAX_TEST_NUMBERS, Workspace
from contacts.phones import E164
from contacts.workflow import AuthorKind

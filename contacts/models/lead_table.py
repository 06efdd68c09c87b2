"""The table of leads: what the database enforces, and what it finds by an index."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contacts.addresses import BSUID
from contacts.models.choices import Language, Temperature
from contacts.models.clocks import RUNNING
from contacts.models.questions import SHOWN_NAME
from contacts.phones import E164
from contacts.workflow import STAGE, LeadStatus

MAX_SCORE = 100

CONSTRAINTS = [
    models.UniqueConstraint(
        # Phone first: a phone is looked up with and without a workspace.
        fields=["phone", "workspace"],
        name="contact_phone_is_unique_in_its_workspace",
        violation_error_message=_("This workspace already has a lead with this phone."),
    ),
    models.UniqueConstraint(
        fields=["business_scoped_user_id", "workspace"],
        condition=Q(business_scoped_user_id__isnull=False),
        name="contact_user_id_is_unique_in_its_workspace",
        violation_error_message=_("This workspace already has a lead with this id."),
    ),
    models.CheckConstraint(
        condition=Q(phone__isnull=True) | Q(phone__regex=E164),
        name="contact_phone_is_e164",
        violation_error_message=_("Write the number as +6281234567890."),
    ),
    models.CheckConstraint(
        condition=Q(business_scoped_user_id__isnull=True) | Q(business_scoped_user_id__regex=BSUID),
        name="contact_user_id_is_whatsapps",
    ),
    models.CheckConstraint(
        condition=Q(phone__isnull=False) | Q(business_scoped_user_id__isnull=False),
        name="contact_has_a_phone_or_a_user_id",
        violation_error_message=_("A lead has a phone or a WhatsApp user id, or both."),
    ),
    models.CheckConstraint(
        condition=Q(language__in=Language.values), name="contact_language_is_known"
    ),
    models.CheckConstraint(
        condition=Q(lead_score__range=(0, MAX_SCORE)),
        name="contact_score_is_between_0_and_100",
    ),
    models.CheckConstraint(
        condition=Q(lead_temperature__in=Temperature.values),
        name="contact_temperature_is_known",
    ),
    models.CheckConstraint(
        condition=Q(lead_status__in=LeadStatus.values), name="contact_status_is_known"
    ),
]
INDEXES = [
    # "What happened last among the qualified leads of this workspace?"
    models.Index(
        fields=["workspace", "lead_status", "-last_activity_at"],
        name="contact_by_status",
    ),
    # "What happened last in this workspace?"
    models.Index(fields=["workspace", "-last_activity_at"], name="contact_by_workspace"),
    # "What happened last anywhere?" (the admin's first page)
    models.Index(fields=["-last_activity_at"], name="contact_by_activity"),
    # "Who has this user name?"
    models.Index(fields=["whatsapp_username"], name="contact_by_username"),
    # "How many leads came in today?" Allows HOT updates: the column never changes.
    models.Index(fields=["-created_at"], name="contact_by_creation"),
    # "Which leads have the best score?", and the list by status. Whatever writes score or
    # status writes the last activity as well: these end no HOT update of their own.
    models.Index(fields=["lead_score", "id"], name="contact_by_score"),
    models.Index(STAGE, "id", name="contact_by_stage"),
    # "Who has come back from the archive?" Few, and written once.
    models.Index(
        fields=["re_engaged_at"],
        condition=Q(re_engaged_at__isnull=False),
        name="contact_re_engaged",
    ),
    # "Which leads moved this week?" Written with the status, which an index has anyway.
    models.Index(fields=["-status_changed_at"], name="contact_by_move"),
    # "Which leads came from there?" Never changes.
    models.Index(fields=["source"], name="contact_by_source"),
    # The list by name. The sync seldom writes a name, and another index has it anyway.
    models.Index(SHOWN_NAME, "id", name="contact_by_name"),
    # "Who waits for an answer, and for how long?"
    models.Index(fields=["answer_by"], condition=RUNNING, name="contact_to_answer"),
    # "How soon were the leads of this week answered?"
    models.Index(
        fields=["-handed_over_at"],
        condition=Q(handed_over_at__isnull=False),
        name="contact_by_handoff",
    ),
    # "Which leads changed since then?" Whatever writes it writes the last activity as well.
    models.Index(fields=["updated_at", "id"], name="contact_by_update"),
]

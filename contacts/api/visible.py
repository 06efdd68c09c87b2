"""The leads that a key may see."""

from typing import Any

from contacts.models import Contact, ContactQuerySet, Workspace


def visible_leads(request: Any) -> ContactQuerySet:
    workspace: Workspace | None = request.auth.workspace
    leads: ContactQuerySet = Contact.objects.all()
    return leads.filter(workspace=workspace) if workspace else leads

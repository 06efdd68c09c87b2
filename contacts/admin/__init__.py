"""Admin pages of leads and workspaces."""

from contacts.admin.leads import ContactAdmin
from contacts.admin.workspaces import WorkspaceAdmin

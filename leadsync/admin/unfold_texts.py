"""Texts of Unfold that have no translation: Unfold ships none.

Not imported; `make messages` finds the texts here.
"""

from django.utils.translation import gettext_noop, ngettext_lazy

TEXTS = (
    # Lists
    gettext_noop("Filters"),
    gettext_noop("From"),
    gettext_noop("To"),
    gettext_noop("No results found"),
    gettext_noop("Reset filters"),
    gettext_noop("Run"),
    gettext_noop("Select action"),
    gettext_noop("Select action to run"),
    gettext_noop("Select all rows"),
    gettext_noop("Select record"),
    gettext_noop("This page yielded into no results. Create a new item or reset your filters."),
    # Forms and dialogs
    gettext_noop("Choose file to upload"),
    gettext_noop("Click to cancel"),
    gettext_noop("General"),
    gettext_noop("Go back"),
    gettext_noop("Select value"),
    gettext_noop("Submit"),
    gettext_noop("This item will be deleted."),
    gettext_noop("Date"),
    # Accounts
    gettext_noop("Forgotten your password or username?"),
    gettext_noop("Toggle password visibility"),
    gettext_noop("Welcome back to"),
    gettext_noop("You have been successfully logged out from the administration"),
    # The frame of every page: search and theme
    gettext_noop("Type to search"),
    gettext_noop("Loading more results..."),
    gettext_noop("No results matching your query"),
    ngettext_lazy(
        "\n                Found %(counter)s result in %(time)s seconds\n            ",
        "\n                Found %(counter)s results in %(time)s seconds\n            ",
    ),
    gettext_noop("Light"),
    gettext_noop("Dark"),
    gettext_noop("System"),
)

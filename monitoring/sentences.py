"""All sentences that are kept in English, in a person's language: refusals, failures, deliveries,
runs, and the lines that LeadSync writes into a lead's history."""

from django.utils.translation import gettext_noop

from contacts.sentences import SENTENCES as SENDERS
from leadsync.infra.sentences import Patterns
from monitoring.alerts.deliver import MAIL_ERRORS
from sarah.sync import EXPLANATIONS, NO_ID
from sarah.warned import SENTENCES as WARNED

REFUSED = (
    gettext_noop("contact_phone is required"),
    gettext_noop("The body is not JSON. Send one JSON object."),
    gettext_noop("The body is JSON, but not an object. Send one JSON object."),
    gettext_noop("The body is over %(size)s KiB. Send less."),
    gettext_noop("This key is not valid. Ask the operator for a new one (create_bot)."),
    gettext_noop("This key lacks the scope %(scope)s. Ask the operator for a key that has it."),
    gettext_noop("This key is bound to another workspace."),
    gettext_noop("The message was stored while the database was away; its key is no longer valid."),
    gettext_noop("The message was sent while the database was away, and its body is not usable."),
    gettext_noop(
        "%(count)s messages were answered 503 between %(first)s and %(last)s, because neither the "
        "database nor the disk of this machine could take them. They are lost: look at what their "
        "bots know."
    ),
    gettext_noop("Erased."),
)
SYNC = (
    *EXPLANATIONS.values(),
    NO_ID,
    gettext_noop(
        "This workspace reached its limit of %(most)s created leads per hour: the conversation is "
        "kept and becomes a lead in a later hour. If unknown numbers flood Sarah, switch off the "
        "creation of leads in the workspace; if not, raise its limit."
    ),
    gettext_noop("Kapso sent something that LeadSync does not know: %(what)s."),
)
RUNS = (
    gettext_noop("Stopped before it was done."),
    gettext_noop("Killed before it was done."),
    gettext_noop("Failed before it was done."),
)
DELIVERIES = (
    *MAIL_ERRORS.values(),
    gettext_noop("No mail server is configured: set EMAIL_HOST."),
    gettext_noop("Sending failed (%(error)s). Look at the log."),
    gettext_noop("The server redirects (HTTP %(status)s): enter the final address."),
    gettext_noop("The server answered with HTTP %(status)s."),
    gettext_noop("The server did not answer within %(seconds)s seconds."),
    gettext_noop("The server's name cannot be resolved. Check the address."),
    gettext_noop("The server's certificate is not valid, or it does not speak TLS."),
    gettext_noop("The server refuses the connection."),
    gettext_noop("The connection to the server failed."),
    gettext_noop("The server did not answer in HTTP."),
)
HISTORY = (
    gettext_noop("%(who)s took over from Sarah until it is handed back: %(why)s"),
    gettext_noop("%(who)s took over from Sarah until %(when)s: %(why)s"),
    gettext_noop("%(who)s handed back to Sarah."),
    gettext_noop("%(who)s let Sarah start over with this lead."),
    gettext_noop(
        "The number or WhatsApp id of this lead changed. What came from the former one is here."
    ),
    gettext_noop("Added with this status."),
    gettext_noop("Merged."),
)
TABLE = Patterns(*REFUSED, *SYNC, *RUNS, *DELIVERIES, *HISTORY) + SENDERS + WARNED
in_words = TABLE.in_words

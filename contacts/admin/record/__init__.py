"""The page of a lead: a record of what is known and of what happened, not a form."""

"""The list of leads and the board: what staff work from all day."""

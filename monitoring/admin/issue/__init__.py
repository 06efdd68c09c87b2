"""The shape that the pages of a cause and of a failure share: what is wrong, and what mends it."""

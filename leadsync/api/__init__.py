"""What all APIs share: authentication, errors, parsers, lists."""

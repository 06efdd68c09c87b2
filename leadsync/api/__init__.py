"""Shared by all APIs: authentication, errors, parsers, lists."""

"""Leads as files: CSV and XLSX, out and in, row by row."""

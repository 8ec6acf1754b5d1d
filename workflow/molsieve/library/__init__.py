"""Readers: compound library files of any supported format to one table of records."""

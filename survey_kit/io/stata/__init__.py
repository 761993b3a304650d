"""Stata .dta files, read through pyreadstat and written here."""

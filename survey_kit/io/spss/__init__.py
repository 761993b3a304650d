"""SPSS files: .sav and .zsav (pyreadstat, and what it leaves out), .por (read and written here)."""

"""Workbooks: .xlsx .xlsm .xls .ods read, .xlsx written with its codebook."""

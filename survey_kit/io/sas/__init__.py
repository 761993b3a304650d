"""SAS files: .sas7bdat with its catalogue, and .xpt."""

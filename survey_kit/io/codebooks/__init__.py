"""A codebook as JSON, YAML, CSV and tables, and back."""

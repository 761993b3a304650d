"""A reference sample beside the sample that is weighted."""

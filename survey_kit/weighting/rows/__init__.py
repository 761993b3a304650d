"""Who is weighted: rows, their answers, and the weights that they have."""

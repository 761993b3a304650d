"""The parts of raking: cells, replicates, clipping."""

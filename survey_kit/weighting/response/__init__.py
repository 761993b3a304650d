"""Models and classes of who responds."""

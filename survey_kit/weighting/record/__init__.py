"""What verbs hand back: weights with their record."""

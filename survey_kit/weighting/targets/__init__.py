"""What weights are brought to: targets in every form, matched with the data and judged."""

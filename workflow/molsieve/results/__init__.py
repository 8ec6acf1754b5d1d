"""The published result set: its contract, its validation, its exports and its report."""

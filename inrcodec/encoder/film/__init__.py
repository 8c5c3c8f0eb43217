"""The fit of a film: a pyramid over time."""

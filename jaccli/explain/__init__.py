"""What is shown of a formula and its derivatives: patterns, steps, drawings."""

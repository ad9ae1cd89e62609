"""What helps people understand a derivative: its text and its pictures."""

"""What goes in and what comes out.

Values from their text (`values`) and from array files (`arrays`), and results to tables, JSON and files (the
writers). Nothing here runs what it reads: arrays are never unpickled, and formulas in values go through the
formula language.
"""

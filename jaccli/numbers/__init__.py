"""Numbers of special functions, where they are to be more exact than SciPy's."""

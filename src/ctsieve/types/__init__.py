"""NOUNS: frozen values everything else speaks in; NumPy, pydantic and the standard library."""

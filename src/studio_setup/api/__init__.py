"""The Python API: a user's terminal in three lines. What it offers is imported in `studio_setup` itself."""

"""Many apps: which ones run, what the log says of each, how each stands, and what is deployed for it."""

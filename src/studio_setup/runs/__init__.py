"""Runs that the app keeps: started once, followed from any connection."""

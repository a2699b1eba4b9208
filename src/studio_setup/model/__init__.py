"""Values: what an app is, what a setup is, how it ended. Nothing here imports the floors above."""

"""Values: what an app is, what a setup is, what came of it. Nothing here imports the floors above."""

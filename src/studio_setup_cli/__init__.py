"""The command `studio-setup`: the engine by hand, from a shell. Never part of the Lambda bundle."""

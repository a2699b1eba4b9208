"""The way into an app: its status, the login, the Jupyter server, a terminal with a shell of ours."""

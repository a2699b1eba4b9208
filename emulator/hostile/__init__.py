"""A Studio that misbehaves, in one way at a time: API, front door, Jupyter's REST API, websocket and shell.

In the order in which to read it: `socket_server`, `exchange` (one request and what can be done to whoever sent it),
`websocket` (frames, as raw as they come), `shell` and `polite` (what a well-behaved Studio answers), `mode` (one way to
misbehave), `modes` (all of them), `studio` (the server).
"""

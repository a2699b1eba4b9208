"""A SageMaker Studio on this machine.

It has a SageMaker API, whose CreateApp starts a real Jupyter server in a private container and emits an EventBridge
event. A presigned URL of this API logs a browser in at the front door; with the session cookie, the browser gets
a loading page and then the Jupyter server itself, with its terminals and websockets. A space has a host of its own,
with JupyterLab behind it. Everything runs on loopback, on free ports, and is gone when the Studio ends. README.md says
how faithful each behaviour is.

Reading order: `studio` puts it together · `state`, `app_kinds`, `login_forms` · `api_model`, `sagemaker_api`,
`operations`, `descriptions`, `landing`, `faults` · `cloudtrail` · `app_host`, `servers`, `container`, `jupyter_app`,
`processes` · `image`, `namespaces`: an app as in Studio's images · `hosts`, `sessions`, `front_door`, `proxy` ·
`extension_repository` and `extension/` · `inside/`: what runs in a container · `handles` and `faulty_network/`: for
tests · `hostile/`: another Studio, made of sockets, which misbehaves.
"""

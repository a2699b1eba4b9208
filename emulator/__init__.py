"""A Studio on this machine.

A program calls the SageMaker API here, and CreateApp starts a real Jupyter server in a private container and tells
about it in an EventBridge event. A presigned URL of this API opens the front door once; behind it, with a session
cookie, are the loading page and then the Jupyter server itself, terminals and websockets included. A space has a host
of its own, with JupyterLab behind it. Everything runs on loopback, on free ports, and is gone when the Studio ends.
README.md says how true each behaviour is.

Reading order: `studio` puts it together · `state`, `app_kinds` · `api_model`, `sagemaker_api`, `operations`,
`descriptions`, `landing`, `faults` · `cloudtrail` · `app_host`, `servers`, `container`, `jupyter_app`, `processes` ·
`hosts`, `sessions`, `front_door`, `proxy` ·
`extension_repository` and `extension/` · what runs inside a container: `supervisorctl`, `serverextension`,
`lab_page` · `handles` for tests.
"""

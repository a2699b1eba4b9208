"""Set up every SageMaker Studio app as it starts.

CloudTrail logs `CreateApp`, an EventBridge rule hands the event to `handler.lambda_handler`. It waits until the app
is in service, logs in with a presigned URL as the user would, and opens a terminal over the Jupyter REST API. The
commands of `commands.py` run from that terminal, but as processes of their own that the app keeps: whoever connects
next, after a lost socket, a restarted Jupyter server or a dead invocation, finds them and goes on. What each printed,
its exit status and the outcome of the whole are logged, and returned as a report.

In the order the data takes:

    handler      cli           the two ways in: an event, a shell
    settings     app_event     what the operator configured; what started
    commands     plan          the setup itself, as data; what a setup is
    setup_run                  the use case: the list of its steps
    connection                 the way into the app, opened as often as it takes:
    studio       jupyter       the app and its login; the Jupyter server's REST API
    control_plane              calls of the SageMaker API, made again when what refused them passes
    channel      shell         the terminal's websocket; a shell of ours at its other end
    prompt       output        matching our prompt; printable text from whatever a command printed
    remote_run   remote.sh     claim, start, follow; their other half, in the app
    command_run                one command of a run, its output logged within bounds
    report       errors        what came of it; what an operator should do about it
    deadline                   the only place that knows time
    terminal_view              the log as a person at a terminal wants to see it
"""

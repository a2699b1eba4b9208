"""Many app starts, on a machine that has neither them nor the hours: a discrete-event simulation from measured parts.

`inputs` what is put in, with its sources; `world` the API's rate and Lambda; `invocation` what the function does, with
the engine's own pauses; `designs` the ways to wait that are compared; `scenario` a whole run and what came of it.
"""

"""`make try` and `studio-setup try`: a setup, tried on this machine before it is deployed.

Each app type gets an app on the local Studio (`emulator`), which is set up by the engine itself, twice: at a first
start, and at a second one with the same home. Nothing of AWS is needed.

Reading order: `options` what is tried · `trial` one app, started and set up twice · `results` what came of it ·
`home` what changed in the home · `connections` whom the processes talked to · `script_checks`, `secret_shapes` what
people should know of their scripts · `findings` all of that in sentences · `screen` the output · `look` an app that is
left up · `watch` again at every change.
"""

"""`make demo`: the whole product on this machine, from `sam deploy` to an app that is set up, to `sam delete`.

`story` has the steps, `cases` the apps, `screen` the output, `user` what a user does in a browser, `play` instructions
for trying things out, `leftovers` the check that nothing is left running. The exit status is 0 only if every step
succeeded.

`make demo FLEET=1`: twelve apps, and what an administrator does about them. `fleet` has the apps, `fleet_run` brings
them to where they are found, `fleet_story` has the steps.
"""

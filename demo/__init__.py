"""`make demo`: the whole story on this machine, from `sam deploy` to the extension that answers, and down again.

`story` is what happens, `screen` how it looks, `user` what the person at the browser would see, `play` what is left up
to try things on. It exits with 0 only if everything was as it should be.
"""

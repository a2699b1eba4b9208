"""A network between the engine and Studio that fails on request; `network` is the way in, `steps` has its terms."""

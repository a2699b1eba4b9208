"""A network in which a test decides what becomes of the bytes: `network` is the way in, `steps` are its vocabulary."""

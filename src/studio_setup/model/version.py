"""The version of Studio Setup: of the package, and of the engine that is deployed."""

__version__ = "0.1.0"

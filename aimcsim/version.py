"""The version of the package, for everything that records which one made it."""

__version__ = "0.1.0"

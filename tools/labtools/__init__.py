"""The bootstrap behind ./lab: standard library only, Python 3.11 or newer."""

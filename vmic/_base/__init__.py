"""Code that every part of vmic uses: threads, callbacks, processes, argument checks.

This package imports nothing from the rest of vmic except the errors.
"""

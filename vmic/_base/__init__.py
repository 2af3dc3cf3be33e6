"""What every part of vmic uses: threads, callbacks, processes, checks of arguments.

It imports nothing else of vmic, but the errors.
"""

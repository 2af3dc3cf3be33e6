"""The bench: how vmic, and its alternatives, bring frames from a program to an application.

The path of a measurement: `__main__` (options, rounds) -> `running` (one run: a server, the writing process,
the capturing process) -> `writing` (the process that writes, through `outputs`) and `capturing` (the process
that notes when each frame reaches it) -> `measuring` (numbers) -> `report`, `goals`, `soaking` and `plot`.
`probing` takes the measurements that need no written signal.
"""

"""Calls: `CallClient` joins a call and sends the sound of a microphone of this machine to it.

A worker process carries the sound (`_worker`), so that no thread of the program delays it. sounddevice
records the microphone by its name, as any application does (`_media.capture`). libopus encodes the sound,
and aiortc sends it (`_signalling.peer_connection`) to the kind of server that the meeting's address names
(`_signalling.whip`, `_signalling.janus`). The sound of the other participants is played to the selected
speaker (`_media.playout`).

The program's process contains `client` (the API), `settings` (the settings that a program may request),
`participants` (the participants of the call) and `events` (the event handler). `_worker.client` starts the
worker process. `_worker.protocol` defines the messages between the two processes.
"""

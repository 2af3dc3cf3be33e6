"""The call: `CallClient` joins one, and lets its far side hear a microphone of this machine.

A worker process carries the sound (`_worker`), so that no thread of the program delays it. sounddevice
records the microphone by its name, as any application does (`_media.capture`). libopus encodes the sound,
and aiortc sends it (`_signalling.peer_connection`) to the kind of server that the meeting's address names
(`_signalling.whip`, `_signalling.janus`). What comes back is played to the selected speaker
(`_media.playback`).

The program's process holds `client` (what the program calls), `settings` (what it may ask for),
`participants` (who is there) and `events` (how it is told). `_worker.client` starts the worker process, and
`_worker.protocol` frames their messages.
"""

"""The call: `CallClient` joins one, and lets its far side hear a microphone of this machine.

The path of the sound lies in a process of its own (`agent`), so that no thread of the program's holds it up:
sounddevice records the microphone that is named, as any application would (`_capture`), libopus encodes it,
aiortc sends it (`_peer`), to what kind of server its address says (`_whip`, `_janus`). What comes back is
played to the selected speaker (`_playout`).

In the program's process are `_client` (what it calls), `_settings` (what it may ask for), `_people` (who is
there) and `_events` (how it is told); `_agency` starts the process, and `_wire` is what the two say to each
other.
"""

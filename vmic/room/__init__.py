"""A small room for trying calls out, on this machine alone: who joins speaks, and who likes hears.

The way of the sound: a speaker's connection (`_connections`, WebRTC) -> `_voices` (its packets, as they came)
-> a connection for each that hears it. `_calls` knows who hears whom, `_people` who is there, and `_channel`
tells them so. `_whip` (joining, RFC 9725) and `_listening` are the addresses, which `_serving` serves to
whom `_admission` lets in.
"""

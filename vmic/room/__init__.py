"""A small room to try out calls on this machine only: all who join can speak, and anyone can listen.

The path of the sound: a speaker's connection (`peers`, WebRTC) -> `rtp_relay` (its packets, unchanged) -> one
connection for each participant that hears it. `connections` knows who hears whom, `participants` knows who
is present, and `websocket` reports it to them. `whip_routes` (joining, RFC 9725) and `listener_routes` handle
the addresses. `server` serves these to the clients that `auth` admits.
"""

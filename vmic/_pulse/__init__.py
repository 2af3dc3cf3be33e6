"""The PulseAudio protocol, which PipeWire speaks too. This package does not know the devices of vmic."""

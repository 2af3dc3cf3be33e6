"""The protocol of PulseAudio, which PipeWire speaks too. It knows nothing of the devices of vmic."""

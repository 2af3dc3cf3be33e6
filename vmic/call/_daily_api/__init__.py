"""Features of daily-python besides devices and calls: custom audio sources and tracks, and a VAD."""

"""What daily-python has beside devices and calls: audio sources and tracks of a program's own, and a VAD."""

"""The sound of a call: recorded from devices, played to devices, and encoded as Opus."""

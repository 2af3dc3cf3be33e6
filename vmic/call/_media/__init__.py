"""The sound of a call: from and to devices, and as Opus."""

"""Frames between Python and the native thread: samples, queues, pace and completions."""

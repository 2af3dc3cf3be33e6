"""The path of frames between Python and the native thread: samples, queues, pacing and completions."""

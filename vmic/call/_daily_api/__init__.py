"""The API of daily-python besides `CallClient`: `Daily`, its devices, custom audio, VAD, daily.co rooms."""

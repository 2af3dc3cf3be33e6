"""Sounds that are played into a microphone: opened, decoded, resampled, one after the other."""

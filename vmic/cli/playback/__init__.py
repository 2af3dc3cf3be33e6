"""What is played into a microphone: opened, decoded, resampled, one after the other."""

"""Programs that run inside a container; they are copied or run by path, so they import nothing of the emulator."""

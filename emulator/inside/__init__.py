"""What runs inside an app's container: copied or linked into it, so nothing here imports the emulator."""

"""Bot traffic without WhatsApp: simulates it, reads and writes recordings, sends it."""

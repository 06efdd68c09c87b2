"""Bot traffic without WhatsApp: generated, recorded, and sent to a server."""

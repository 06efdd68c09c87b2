"""Traffic like Sarah's without WhatsApp: made, recorded, and sent to a server."""

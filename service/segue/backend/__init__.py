"""Where Segue meets the Live API: links over google-genai, the wire format, credentials and losses."""

"""What is done to samples: measuring them, and, later, converting them."""

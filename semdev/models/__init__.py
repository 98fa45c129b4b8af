"""Who learns it: networks, closed-form theory."""

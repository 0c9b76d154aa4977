"""Programs of the developer; nothing here is installed with genotel."""

"""The page Risk: what could be lost, and can the ratios be trusted."""

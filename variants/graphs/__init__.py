"""`Graphed`: steps recorded once and replayed, from memory at fixed addresses."""

"""What variants are made of: the protocol, the registry with its plug-ins, tree operations."""

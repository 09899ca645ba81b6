"""What a variant is: protocol, registry, plug-ins, tree operations."""

"""From records to findings: who is better, by how much, how sure. No text for people."""

"""Triple-S: survey metadata in XML, data beside it."""

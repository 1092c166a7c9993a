"""Tunnels: websockets that agents keep to this controller, by which it asks those that it cannot call."""

"""What every HTTP API shares: routes, error map, authentication hook, bodies, and the files under /repo/."""

"""A Kubernetes cluster, in our words: `client` asks it, `watching` listens to it, `mirror` has it in memory."""

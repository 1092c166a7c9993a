"""`paasctl app` and `paasctl caas`: apps on Kubernetes and their instances."""

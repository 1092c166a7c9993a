"""Apps and containers on Kubernetes. What a cluster says becomes our words in `kube`, and nowhere else."""

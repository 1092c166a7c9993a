"""A Kubernetes whose control plane is the real one: `python -m tests.testbeds.kubernetes up`.

etcd, kube-apiserver, kube-controller-manager and kube-scheduler run as processes on loopback; quota, RBAC, ports,
scheduling and deletion are theirs. What there is none of is machines: nodes are objects, and one small stand-in for
their kubelets says of each pod what a kubelet would, as its image's name asks for (see pods.py).

    programs.py      where the programs come from: KUBEBUILDER_ASSETS, or built once from Debian's source package
    credentials.py   certificates, tokens, kubeconfig
    cluster.py       one cluster, in a test's words
    kubelet.py       the stand-in: status, events, logs and the end of pods
    pods.py          how a pod is, by its image
"""

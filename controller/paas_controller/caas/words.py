"""The words by which our objects in a cluster are known, and the unit in which memory is given."""

INSTANCE = "idevops/instanceId"
"""Label: the id of the instance; on every RC, Service and pod."""
COMPONENT = "idevops/component"
"""Label: which component of it. Together with the instance's id it is the selector."""
APP = "idevops/app"
"""Label of a namespace: the app, as `kind.name`."""
REPLICAS = "idevops/replicas"
"""Annotation of an RC: how many run when it is not stopped."""
NAMES = "idevops/name"
"""Annotation: the name of the instance, which may be longer than a label's value."""
NUDGED = "idevops/nudged"
"""Annotation of an RC that waited for memory: when there was some. Its controller looks again at once."""

UNIT = 128 * 1024 * 1024
"""Bytes."""

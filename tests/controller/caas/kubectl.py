"""A stand-in for kubectl, of which the bed has none: the three commands by which docs/caas.md sets up a cluster."""

import json
import os
import re
import sys

import yaml
from kubernetes import config
from kubernetes.client import ApiClient, ApiException
from kubernetes.utils import FailToCreateError, create_from_yaml


def main() -> None:
    words, file = sys.argv[1:], os.environ["KUBECONFIG"]
    client = config.new_client_from_config(file)  # type: ignore[no-untyped-call]
    match words:
        case ["apply", "-f", path]:
            apply(client, path)
        case ["-n", namespace, "get", "secret", name, "-o", path]:
            answer = client.call_api(
                *client.param_serialize(
                    "GET", f"/api/v1/namespaces/{namespace}/secrets/{name}", auth_settings=["BearerToken"]
                )
            )
            print(found(json.loads(answer.read()), path), end="")
        case ["config", "view", "--minify", "-o", path]:
            with open(file) as text:
                print(found(yaml.safe_load(text), path), end="")
        case _:
            sys.exit(f"this kubectl does not know {words}")


def apply(client: ApiClient, path: str) -> None:
    """What is there already stays."""
    try:
        create_from_yaml(client, path)  # type: ignore[no-untyped-call]
    except FailToCreateError as error:
        others = [each for each in error.api_exceptions if not (isinstance(each, ApiException) and each.status == 409)]
        if others:
            raise


def found(document: object, path: str) -> object:
    """What a jsonpath of keys and places leads to; empty where there is nothing."""
    for key, place in re.findall(
        r"\.((?:[^.\[\\}]|\\.)+)|\[(\d+)\]", path.removeprefix("jsonpath={").removesuffix("}")
    ):
        name = key.replace("\\.", ".")
        document = document[int(place)] if isinstance(document, list) else document.get(name)  # type: ignore[attr-defined]
        if document is None:
            return ""
    return document


if __name__ == "__main__":
    main()

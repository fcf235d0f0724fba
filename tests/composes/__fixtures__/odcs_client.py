"""Drives ODCS's own client library; arguments: the server, a repository that works, one that never answers. Prints what it saw as JSON."""
import json
import sys

import requests
from odcs.client.odcs import (
    ODCS,
    AuthMech,
    ComposeLog,
    ComposeSourceBuild,
    ComposeSourceGeneric,
    ComposeSourceModule,
    ComposeSourcePulp,
    ComposeSourceRawConfig,
    ComposeSourceTag,
)

server, repository, stuck = sys.argv[1:]
client = ODCS(server, auth_mech=AuthMech.Anonymous)


def repo(place=repository, **source):
    return ComposeSourceGeneric(place, "repo", **source)


def refused(source, **options):
    try:
        return client.request_compose(source, **options)
    except requests.HTTPError as error:
        return {"status": error.response.status_code, "body": error.response.json()}


seen = {"about": client.about()}

made = client.request_compose(repo(packages=["millrace-sample"]), flags=["no_deps"], seconds_to_live=3600, arches=["x86_64"], label="RC-1.0", compose_type="ci")
seen["requested"] = made
done = client.wait_for_compose(made["id"], timeout=60)
seen["done"] = done
seen["same"] = client.get_compose(made["id"])
seen["repo file"] = requests.get(done["result_repofile"]).text
seen["log"] = "".join(iter(ComposeLog(done).read, ""))

old = client.new_compose(repository, "repo", seconds_to_live=60, packages=["millrace-sample"], flags=["no_deps"], arches=["x86_64"], label="RC-1.0", compose_type="ci")
seen["old way"] = client.wait_for_compose(old["id"], timeout=60, watch_logs=True)

seen["found"] = client.find_composes(owner="unknown", state=2, source_type=3, order_by="-id", page=1, per_page=1)
seen["extended"] = client.renew_compose(made["id"], seconds_to_live=7200)
relabelled = client.renew_compose(made["id"], label="RC-2.0")
seen["relabelled"] = client.wait_for_compose(relabelled["id"], timeout=60)
seen["deleted"] = client.delete_compose(made["id"])

waiting = client.request_compose(repo(stuck))
try:
    client.wait_for_compose(waiting["id"], timeout=2)
except RuntimeError as error:
    seen["timeout"] = str(error)
seen["while stuck"] = client.get_compose(waiting["id"])
seen["cancel"] = client.delete_compose(waiting["id"])
seen["cancelled"] = client.wait_for_compose(waiting["id"], timeout=60)
failing = client.request_compose(repo(packages=["no-such-package"]))
seen["failed"] = client.wait_for_compose(failing["id"], timeout=60)

seen["refused"] = {
    "tag": refused(ComposeSourceTag("f40", packages=["bash"], sigkeys=["FD431D51", ""])),
    "module": refused(ComposeSourceModule(["nodejs:18"])),
    "pulp": refused(ComposeSourcePulp(["content-set"])),
    "raw_config": refused(ComposeSourceRawConfig("name", "commit")),
    "build": refused(ComposeSourceBuild(["bash-5.2-1"])),
    "flag": refused(repo(), flags=["no_such_flag"]),
}
print(json.dumps(seen))

"""Asks dnf about repositories, in one process. Arguments: cache folder, then JSON: {"check": path, "lookaside": path, "install": {path: [[name, ...], ...]}}."""
import json
import sys

import dnf


def base_of(cache, paths):
    base = dnf.Base()
    base.conf.cachedir = cache
    base.conf.installroot = cache + "/root"
    base.conf.substitutions["arch"] = "x86_64"
    base.conf.substitutions["basearch"] = "x86_64"
    base.conf.substitutions["releasever"] = "1"
    base.conf.install_weak_deps = False
    base.conf.plugins = False
    for number, path in enumerate(paths):
        base.repos.add_new_repo("repository%d" % number, base.conf, baseurl=["file://" + path])
    base.fill_sack(load_system_repo=False)
    return base


def label(package):
    epoch = "" if package.epoch == 0 else "%d:" % package.epoch
    return "%s-%s%s-%s.%s" % (package.name, epoch, package.version, package.release, package.arch)


def unresolved(cache, checked, lookaside):
    """What `dnf repoclosure` does: a requirement is broken when a query for its providers is empty."""
    base = base_of(cache, [checked, lookaside])
    available = base.sack.query().available()
    broken = []
    for package in available.filter(reponame="repository0"):
        for requirement in package.requires:
            text = str(requirement)
            if not text.startswith("rpmlib(") and not available.filter(provides=requirement):
                broken.append([label(package), text])
    return sorted(broken)


def installed(cache, path, names):
    base = base_of(cache, [path])
    for name in names:
        base.install(name)
    try:
        base.resolve()
    except dnf.exceptions.DepsolveError:
        return None
    return sorted(label(package) for package in base.transaction.install_set)


cache, question = sys.argv[1], json.loads(sys.argv[2])
print(
    json.dumps(
        {
            "unresolved": unresolved(cache, question["check"], question["lookaside"]),
            "installed": [installed(cache, question["install"]["path"], names) for names in question["install"]["names"]],
        }
    )
)

"""Asks dnf's solver whether each package of a repository can be installed. Arguments: cache folder, folder of the repository, architecture. Answers JSON: label to the problem, or null; of those that a machine of it may have."""
import json
import sys

import dnf

cache, folder, arch = sys.argv[1:]
base = dnf.Base()
base.conf.cachedir = cache
base.conf.installroot = cache + "/root"
base.conf.substitutions["arch"] = arch
base.conf.substitutions["basearch"] = arch
base.conf.substitutions["releasever"] = "1"
base.conf.install_weak_deps = False
base.conf.plugins = False
base.conf.best = True
base.repos.add_new_repo("checked", base.conf, baseurl=["file://" + folder])
base.fill_sack(load_system_repo=False)


def label(package):
    epoch = "" if package.epoch == 0 else "%d:" % package.epoch
    return "%s-%s%s-%s.%s" % (package.name, epoch, package.version, package.release, package.arch)


def problem(package):
    base.reset(goal=True)
    base.package_install(package)
    try:
        base.resolve()
        return None
    except dnf.exceptions.DepsolveError as error:
        return str(error)


answers = {label(package): problem(package) for package in base.sack.query().available().run()}
print(json.dumps({of: told for of, told in answers.items() if told is None or "does not have a compatible architecture" not in told}))

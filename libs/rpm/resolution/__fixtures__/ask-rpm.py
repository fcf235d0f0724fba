"""Asks rpm whether sets of package files could be installed into an empty root. Arguments: root, then JSON: [[path, ...], ...]. Prints a list of what is unsatisfied, for each."""
import json
import os
import sys

import rpm


def headers(paths):
    transaction = rpm.TransactionSet(sys.argv[1])
    transaction.setVSFlags(rpm.RPMVSF_MASK_NOSIGNATURES | rpm.RPMVSF_MASK_NODIGESTS)
    found = {}
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        found[path] = transaction.hdrFromFdno(descriptor)
        os.close(descriptor)
    return found


def problems(paths, known):
    transaction = rpm.TransactionSet(sys.argv[1])
    for path in paths:
        transaction.addInstall(known[path], path, "i")
    transaction.check()
    return [str(problem) for problem in transaction.problems()]


sets = json.loads(sys.argv[2])
known = headers(sorted({path for paths in sets for path in paths}))
print(json.dumps([problems(paths, known) for paths in sets]))

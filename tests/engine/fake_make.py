"""CmdStan's make, as far as cmdstanpy uses it: the last argument is the executable."""

import json
import os
import sys

target = sys.argv[-1]
with open(os.environ["FAKE_MAKE_LOG"], "w") as log:
    json.dump({"arguments": sys.argv[1:], "folder": os.getcwd()}, log)
if os.environ.get("FAKE_MAKE_FAILS"):
    print("make: *** no rule for C++")
    sys.exit(2)
with open(target, "w") as out:
    out.write("#!/bin/sh\necho stan_version_major = 2\n")
os.chmod(target, 0o755)
for suffix in (".hpp", ".o"):
    with open(target + suffix, "w"):
        pass

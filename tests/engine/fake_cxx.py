"""A C++ compiler that notes how it is called; FAKE_CXX tells it what to do at which word."""

import json
import os
import sys
import time

arguments = sys.argv[1:]
if arguments == ["--version"]:
    print(os.environ.get("FAKE_CXX_VERSION", "g++ (Fake) 12.2.0"))
    sys.exit()
with open(os.environ["FAKE_CXX_LOG"], "a") as log:
    log.write(json.dumps({"pid": os.getpid(), "arguments": arguments}) + "\n")
for word, action in json.loads(os.environ.get("FAKE_CXX", "{}")).items():
    if not any(word in argument for argument in arguments):
        continue
    if action == "sleep":
        time.sleep(60)
    if action == "out of memory":
        os.kill(os.getpid(), 9)
    print("\n".join(f"noise {i}" for i in range(100)), file=sys.stderr)
    print(action, file=sys.stderr)
    sys.exit(1)
output = arguments[arguments.index("-o") + 1]
with open(output, "w") as out:
    out.write("#!/bin/sh\necho stan_version_major = 2\n")
os.chmod(output, 0o755)

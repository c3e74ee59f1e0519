"""An executable that behaves as a compiled Stan model does, without Stan.

It takes CmdStan's command line and writes CmdStan's output. `FAKE_STAN` holds JSON that says how
slow it is and what goes wrong; a value may be a mapping from chain to value. Draw t (from 0) of
chain c is a = c + t / 1000, b = (10 + a, 20 + a), and m = ((11, 12), (21, 22)) + a, in draws
numbered after thinning; warm-up draws have 1000 added to a.
"""

import json
import os
import signal
import sys
import time

COLUMNS = (
    "lp__,accept_stat__,stepsize__,treedepth__,n_leapfrog__,divergent__,energy__,"
    "a,b.1,b.2,m.1.1,m.2.1,m.1.2,m.2.2"
)
REJECTION = (
    "Informational Message: The current Metropolis proposal is about to be rejected because of "
    "the following issue:\n"
    "Exception: normal_lpdf: Scale parameter is {}, but must be positive! "
    "(in 'model.stan', line 9, column 2 to column 27)\n"
    "If this warning occurs sporadically, such as for highly constrained variable types like "
    "covariance matrices, then the sampler is fine,\n"
    "but if this warning occurs often then your model may be either severely ill-conditioned or "
    "misspecified.\n"
)
INITS = (
    "Rejecting initial value:\n"
    "  Error evaluating the log probability at the initial value.\n"
    "Exception: normal_lpdf: Scale parameter is {}, but must be positive! "
    "(in 'model.stan', line 9, column 2 to column 27)\n"
)

# The last file= is the output: the data come first on the command line.
settings = dict(word.split("=", 1) for word in sys.argv[1:] if "=" in word)
chain = settings["id"]
warmup = int(settings["num_warmup"])
samples = int(settings["num_samples"])
thin = int(settings["thin"])
refresh = int(settings["refresh"])
config = json.loads(os.environ.get("FAKE_STAN", "{}"))


def setting(name, default):
    value = config.get(name, default)
    return value.get(chain, default) if isinstance(value, dict) else value


def say(text):
    print(text, flush=True)


def listing():
    say("method = sample (Default)\n  sample\n    num_samples = 1000 (Default)\n    adapt")
    say("      delta = 0.8 (Default)\ndata\n  file = data.json\nnum_threads = 1 (Default)\n")


def fail_at_start(how):
    if how == "inits":
        for i in range(100):
            say(INITS.format(-i))
        say("\nInitialization between (-2, 2) failed after 100 attempts. ")
        say(" Try specifying initial values, reducing ranges of constrained values, or ")
        say("Initialization failed.")
    if how == "data":
        say(
            "Exception: mismatch in dimension declared and found in context; processing stage="
            "data initialization; variable name=y; position=0; dims declared=(8); dims found=(2) "
            "(in 'model.stan', line 1, column 23 to column 39)"
        )
    if how == "status":
        say("Something else.")
    sys.exit(70 if how == "inits" else 1)


def row(draw, is_warmup):
    a = int(chain) + draw / 1000 + (1000 if is_warmup else 0)
    every = setting("divergent_every", 0)
    divergent = int(bool(every) and not is_warmup and draw % every == 0)
    depth = 10 if draw % 5 == 0 else 3
    values = [-a, 0.9, 0.25, depth, 7, divergent, a + 0.5]
    values += [a, 10 + a, 20 + a, 11 + a, 21 + a, 12 + a, 22 + a]
    return ",".join(format(value, ".12g") for value in values) + "\n"


def report(iteration):
    total = warmup + samples
    if iteration == 1 or iteration % refresh == 0 or iteration == total:
        phase = "Warmup" if iteration <= warmup else "Sampling"
        say(f"Iteration: {iteration:4d} / {total} [ 10%]  ({phase})")


def main():
    log = os.environ.get("FAKE_STAN_LOG")
    if log:
        threads = os.environ.get("STAN_NUM_THREADS")
        note = os.path.join(log, chain + ".json")
        with open(note + ".part", "w") as file:
            json.dump({"pid": os.getpid(), "arguments": sys.argv, "threads": threads}, file)
        os.replace(note + ".part", note)  # a reader finds all of it or nothing
    if setting("deaf", False):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    listing()
    how = setting("fail", "")
    if how in ("inits", "data", "status"):
        fail_at_start(how)
    last = setting("stop_at", -1)
    written = 0
    with open(settings["file"], "w", buffering=1) as csv:
        csv.write("# stan_version_major = 2\n# method = sample (Default)\n")
        csv.write(COLUMNS + "\n")
        for i in range(warmup):
            report(i + 1)
            time.sleep(setting("warmup_delay", 0))
            if "save_warmup" in settings and i % thin == 0:
                csv.write(row(i // thin, True))
        if warmup:
            csv.write("# Adaptation terminated\n# Step size = 0.25\n")
            csv.write("# Diagonal elements of inverse mass matrix:\n# 1.5, 2.5, 3.5\n")
        for i in range(samples):
            report(warmup + i + 1)
            if i < setting("rejections", 0):
                say(REJECTION.format(-i))
            time.sleep(setting("delay", 0))
            if i % thin == 0:
                csv.write(row(i // thin, False))
                written += 1
            if written == last:
                csv.write("1.5,2")
                if how == "killed":
                    os.kill(os.getpid(), signal.SIGKILL)
                if how == "crash":
                    os.kill(os.getpid(), signal.SIGSEGV)
                if how == "disk":
                    return
                csv.flush()
                time.sleep(60)
        csv.write("# \n#  Elapsed Time: 1.5 seconds (Warm-up)\n")
        csv.write("#                2.25 seconds (Sampling)\n")
        csv.write("#                3.75 seconds (Total)\n# \n")


main()

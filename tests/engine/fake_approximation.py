"""An executable that writes what CmdStan's approximations write, without Stan.

`FAKE_STAN` holds JSON: what goes wrong with a method, or with one path of it ("pathfinder:2").
Row t (from 0) of path c has a = c + t / 1000, b = (10 + a, 20 + a), lp = -a and log_q = -2 a; the
first row that ADVI writes is its mean, with a = 500.
"""

import json
import os
import sys
import time

PARAMETERS = "a,b.1,b.2"
SAID = {
    "search": "Optimization terminated with error: \n  Line search failed to achieve a sufficient "
    "decrease, no more progress can be made",
    "paths": "Path [2] :Failure: None of the LBFGS iterations completed successfully",
    "steps": "----------\nEXPERIMENTAL ALGORITHM:\n  This procedure has not been thoroughly "
    "tested and may be unstable\n  or buggy. The interface is subject to change.\n----------\n"
    "Begin eta adaptation.\nSuccess! Found best value [eta = 10] earlier than expected.\n"
    "  iter             ELBO   delta_ELBO_mean   delta_ELBO_med   notes \n"
    "stan::variational::advi::adapt_eta: All proposed step-sizes failed. Your model may be either "
    "severely ill-conditioned or misspecified.",
    "inits": "Rejecting initial value:\n  Error evaluating the log probability at the initial "
    "value.\nInitialization between (-2, 2) failed after 100 attempts. ",
    "empty": "Model has 0 parameters, cannot run Pathfinder.",
    "status": "Something else.",
}
HESSIANS = {"saddle": [[-2.0, 0.0], [0.0, 1.0]], "nan": [[float("nan")]]}

# The last file= is the output: the data come first on the command line. The first algorithm= and
# iter= belong to the method, and ADVI's adaptation has an iter= too.
settings = {}
for word in sys.argv[1:]:
    name, _, value = word.partition("=")
    settings[name] = value
method, path = settings["method"], settings["id"]
config = json.loads(os.environ.get("FAKE_STAN", "{}"))
how = config.get(f"{method}:{path}", config.get(method, ""))


def row(kind, t):
    a = 500.0 if kind == "mean" else int(path) + t / 1000
    lp = float("nan") if how == "undefined" and t == 1 else -a
    densities = {
        "pathfinder": [-2 * a, lp],
        "laplace": [lp, -2 * a],
        "variational": [0, 0, 0] if kind == "mean" else [0, lp, -2 * a],
        "optimize": [lp],
    }[method]
    values = [*densities, a, 10 + a, 20 + a]
    return ",".join(format(value, ".17g") for value in values) + "\n"


def main():
    log = os.environ.get("FAKE_STAN_LOG")
    if log:
        inits = settings.get("init", "2")
        given = inits
        if inits.endswith(".json"):
            with open(inits) as file:
                given = json.load(file)
        note = os.path.join(log, f"{method}-{path}.json")
        with open(note + ".part", "w") as file:
            threads = os.environ.get("STAN_NUM_THREADS")
            told = {"arguments": sys.argv[1:], "init": given, "threads": threads}
            json.dump({"pid": os.getpid(), **told}, file)
        os.replace(note + ".part", note)  # a reader finds all of it or nothing
    print(f"method = {method}", flush=True)
    if how == "slow":
        time.sleep(60)
    if how in SAID:
        print(SAID[how], flush=True)
        sys.exit(1)
    if how == "limit":
        print("Maximum number of iterations hit, may not be at an optima", flush=True)
    if how == "wandering":
        print("Informational Message: The maximum number of iterations is reached!", flush=True)
    densities = {
        "pathfinder": "lp_approx__,lp__",
        "laplace": "log_p__,log_q__",
        "variational": "lp__,log_p__,log_g__",
        "optimize": "lp__",
    }[method]
    counts = {"pathfinder": "num_draws", "laplace": "draws", "variational": "output_samples"}
    number = int(settings[counts[method]]) if method in counts else 1
    with open(settings["file"], "w") as csv:
        csv.write(f"# method = {method}\n{densities},{PARAMETERS}\n")
        if method == "variational":
            csv.write("# Stepsize adaptation complete.\n# eta = 1\n" + row("mean", 0))
        for t in range(3 if how == "short" else number):
            csv.write(row("draw", t))
        csv.write("# \n#  Elapsed Time: 0.1 seconds (Pathfinder)\n# \n")
    if "diagnostic_file" in settings:
        with open(settings["diagnostic_file"], "w") as file:
            json.dump({"lp_mode": 0, "Hessian": HESSIANS.get(how, [[-1.0]])}, file)


main()

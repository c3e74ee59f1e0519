// method=variational: ADVI with a mean-field or full-rank normal.
#include "run.hpp"

#include <stan/services/experimental/advi/fullrank.hpp>
#include <stan/services/experimental/advi/meanfield.hpp>

namespace runner {

int variational(Run& run) {
  namespace services = stan::services::experimental::advi;
  const Argument& arguments = run.method();
  const Argument& adapt = arguments["adapt"];
  const auto fit = [&](auto service) {
    return service(run.model, *run.inits[0], run.seed, run.id, run.init_radius,
                   arguments.integer("grad_samples"), arguments.integer("elbo_samples"),
                   arguments.integer("iter"), arguments.real("tol_rel_obj"),
                   arguments.real("eta"), adapt.flag("engaged"), adapt.integer("iter"),
                   arguments.integer("eval_elbo"), arguments.integer("output_samples"),
                   run.interrupt, run.logger, run.no_writers[0], run.csv[0],
                   run.diagnostics[0]);
  };
  if (arguments.text("algorithm") == "fullrank")
    return fit([](auto&&... a) { return services::fullrank(a...); });
  return fit([](auto&&... a) { return services::meanfield(a...); });
}

}  // namespace runner

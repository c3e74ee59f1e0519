// method=optimize: L-BFGS, BFGS and Newton.
#include "line_search.hpp"
#include "run.hpp"

#include <stan/services/optimize/bfgs.hpp>
#include <stan/services/optimize/lbfgs.hpp>
#include <stan/services/optimize/newton.hpp>

namespace runner {
namespace {

template <bool jacobian>
int optimize_with(Run& run) {
  namespace services = stan::services::optimize;
  using Model = stan::model::model_base;
  const Argument& arguments = run.method();
  const Argument& algorithm = arguments.chosen("algorithm");
  const int iterations = arguments.integer("iter");
  const bool save_iterations = arguments.flag("save_iterations");
  if (algorithm.name == "newton")
    return services::newton<Model, jacobian>(
        run.model, *run.inits[0], run.seed, run.id, run.init_radius, iterations,
        save_iterations, run.interrupt, run.logger, run.no_writers[0], run.csv[0]);

  const double init_alpha = algorithm.real("init_alpha");
  const double tol_obj = algorithm.real("tol_obj");
  const double tol_rel_obj = algorithm.real("tol_rel_obj");
  const double tol_grad = algorithm.real("tol_grad");
  const double tol_rel_grad = algorithm.real("tol_rel_grad");
  const double tol_param = algorithm.real("tol_param");
  if (algorithm.name == "bfgs")
    return services::bfgs<Model, jacobian>(
        run.model, *run.inits[0], run.seed, run.id, run.init_radius, init_alpha, tol_obj,
        tol_rel_obj, tol_grad, tol_rel_grad, tol_param, iterations, save_iterations,
        run.refresh, run.interrupt, run.logger, run.no_writers[0], run.csv[0]);
  return services::lbfgs<Model, jacobian>(
      run.model, *run.inits[0], run.seed, run.id, run.init_radius,
      algorithm.integer("history_size"), init_alpha, tol_obj, tol_rel_obj, tol_grad,
      tol_rel_grad, tol_param, iterations, save_iterations, run.refresh, run.interrupt,
      run.logger, run.no_writers[0], run.csv[0]);
}

}  // namespace

int optimize(Run& run) {
  return run.method().flag("jacobian") ? optimize_with<true>(run) : optimize_with<false>(run);
}

}  // namespace runner

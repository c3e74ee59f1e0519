// method=pathfinder: one path, or several with importance resampling.
#include "header.hpp"
#include "line_search.hpp"
#include "run.hpp"

#include <stan/services/pathfinder/multi.hpp>
#include <stan/services/pathfinder/single.hpp>

#include <stdexcept>
#include <tuple>

namespace runner {
namespace {

/// The optimisation paths go to a JSON file for each path when they are wanted.
JsonWriters path_writers(const Run& run, bool save, const std::string& tag) {
  if (!save) return no_json(run.chains);
  const std::string& own = run.output().text("diagnostic_file");
  const std::string& name = own.empty() ? run.output().text("file") : own;
  return json_writers(file_names(name, tag, ".json", run.chains, run.id),
                      run.output().integer("sig_figs"));
}

/// The draws of each path before resampling, when they are wanted.
CsvWriters single_writers(const Run& run, bool save) {
  if (!save) return no_csv(run.chains);
  CsvWriters writers = csv_writers(
      file_names(run.output().text("file"), "_path", ".csv", run.chains, run.id),
      run.output().integer("sig_figs"));
  for (CsvWriter& writer : writers) write_header(writer, run.arguments, run.model);
  return writers;
}

}  // namespace

int pathfinder(Run& run) {
  namespace services = stan::services::pathfinder;
  using Model = stan::model::model_base;
  const Argument& arguments = run.method();
  const int draws = arguments.integer("num_draws");
  const int psis_draws = arguments.integer("num_psis_draws");
  if (psis_draws > draws * static_cast<int>(run.chains))
    run.logger.warn(
        "Warning: Number of PSIS draws is larger than the total number of draws returned by the "
        "single Pathfinders. This is likely unintentional and leads to re-sampling from the same "
        "draws.");
  if (run.model.num_params_r() == 0)
    throw std::invalid_argument("Model has 0 parameters, cannot run Pathfinder.");

  const int history_size = arguments.integer("history_size");
  const double init_alpha = arguments.real("init_alpha");
  const double tol_obj = arguments.real("tol_obj");
  const double tol_rel_obj = arguments.real("tol_rel_obj");
  const double tol_grad = arguments.real("tol_grad");
  const double tol_rel_grad = arguments.real("tol_rel_grad");
  const double tol_param = arguments.real("tol_param");
  const int iterations = arguments.integer("max_lbfgs_iters");
  const int elbo_draws = arguments.integer("num_elbo_draws");
  const bool calculate_lp = arguments.flag("calculate_lp");
  const bool save = arguments.flag("save_single_paths") ||
                    !run.output().text("diagnostic_file").empty();
  if (run.chains == 1) {
    JsonWriters paths = path_writers(run, save, "");
    try {
      // The form that also returns the draws: several paths use it too, so it is compiled once.
      return std::get<0>(services::pathfinder_lbfgs_single<true>(
          run.model, *run.inits[0], run.seed, run.id, run.init_radius, history_size, init_alpha,
          tol_obj, tol_rel_obj, tol_grad, tol_rel_grad, tol_param, iterations, elbo_draws, draws,
          save, run.refresh, run.interrupt, run.logger, run.no_writers[0], run.csv[0], paths[0],
          calculate_lp));
    } catch (const std::exception& error) {
      run.logger.error(error.what());
      return stan::services::error_codes::SOFTWARE;
    }
  }
  JsonWriters paths = path_writers(run, save, "_path");
  CsvWriters singles = single_writers(run, save);
  JsonWriters no_summary = no_json(1);
  return services::pathfinder_lbfgs_multi<Model>(
      run.model, run.inits, run.seed, run.id, run.init_radius, history_size, init_alpha, tol_obj,
      tol_rel_obj, tol_grad, tol_rel_grad, tol_param, iterations, elbo_draws, draws, psis_draws,
      run.chains, save, run.refresh, run.interrupt, run.logger, run.no_writers, singles,
      paths, run.csv[0], no_summary[0], calculate_lp, arguments.flag("psis_resample"));
}

}  // namespace runner

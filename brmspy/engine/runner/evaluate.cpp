// method=generate_quantities and method=log_prob: the model at given parameters.
#include "run.hpp"

#include <stan/model/log_prob_grad.hpp>
#include <stan/services/error_codes.hpp>
#include <stan/services/sample/standalone_gqs.hpp>

#include <filesystem>
#include <stdexcept>

namespace runner {
namespace {

/// The unconstrained parameters of a JSON file's `params_r`: one vector or an array of vectors.
std::vector<std::vector<double>> read_unconstrained(const std::string& name,
                                                    const stan::model::model_base& model) {
  const Context context = read_json(name);
  const std::vector<double> values = context->vals_r("params_r");
  if (values.empty())
    throw std::invalid_argument(
        "Unconstrained parameters file has no variable 'params_r' with unconstrained parameter "
        "values!");
  const std::vector<std::size_t> dims = context->dims_r("params_r");
  const std::size_t columns = dims.back();
  const std::size_t expected = model.num_params_r();
  if (columns != expected)
    throw std::invalid_argument("Incorrect number of unconstrained parameters provided! Model has " +
                                std::to_string(expected) + " parameters but " +
                                std::to_string(columns) + " were found.");
  // A JSON array of arrays arrives with its columns one after the other.
  const std::size_t rows = dims.size() == 2 ? dims.front() : 1;
  std::vector<std::vector<double>> points(rows, std::vector<double>(columns));
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) points[i][j] = values[i + j * rows];
  return points;
}

std::vector<std::vector<double>> read_points(const Run& run) {
  const std::string& unconstrained = run.method().text("unconstrained_params");
  const std::string& constrained = run.method().text("constrained_params");
  if (unconstrained.empty() && constrained.empty())
    throw std::invalid_argument(
        "No input parameter files provided, cannot calculate log probability density.");
  if (!unconstrained.empty() && !constrained.empty())
    throw std::invalid_argument(
        "Cannot specify both input files of both constrained and unconstrained parameter values.");
  if (!unconstrained.empty()) return read_unconstrained(unconstrained, run.model);
  if (std::filesystem::path(constrained).extension() != ".csv")
    return {unconstrain_json(run.model, constrained)};
  std::vector<std::vector<double>> points;
  const Eigen::MatrixXd draws = read_draws(constrained, run.model);
  for (Eigen::Index i = 0; i < draws.rows(); ++i)
    points.push_back(unconstrain(run.model, draws.row(i)));
  return points;
}

double log_prob_and_gradient(Run& run, std::vector<double>& point,
                             std::vector<double>& gradient) {
  std::vector<int> no_integers;
  if (run.method().flag("jacobian"))
    return stan::model::log_prob_grad<true, true>(run.model, point, no_integers, gradient);
  return stan::model::log_prob_grad<true, false>(run.model, point, no_integers, gradient);
}

}  // namespace

int generate_quantities(Run& run) {
  const std::string& name = run.method().text("fitted_params");
  if (name.empty())
    throw std::invalid_argument(
        "Missing fitted_params argument, cannot run generate_quantities without fitted sample.");
  if (std::filesystem::path(name).extension() != ".csv")
    throw std::invalid_argument("Fitted params file must be a CSV file.");
  return stan::services::standalone_generate(run.model, read_draws(name, run.model), run.seed,
                                             run.interrupt, run.logger, run.csv[0]);
}

int log_prob(Run& run) {
  std::vector<std::vector<double>> points = read_points(run);
  std::vector<std::string> names;
  run.model.unconstrained_param_names(names, false, false);
  for (std::string& name : names) name = "g_" + name;
  names.insert(names.begin(), "lp__");
  CsvWriter& csv = run.csv[0];
  csv(names);
  try {
    for (std::vector<double>& point : points) {
      std::vector<double> gradient;
      std::vector<double> row{log_prob_and_gradient(run, point, gradient)};
      row.insert(row.end(), gradient.begin(), gradient.end());
      csv(row);
    }
  } catch (const std::exception& error) {
    run.logger.error(std::string("Error during log_prob calculation:\n") + error.what() + "\n");
    return stan::services::error_codes::SOFTWARE;
  }
  return stan::services::error_codes::OK;
}

}  // namespace runner

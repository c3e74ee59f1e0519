// method=laplace: draws from the normal approximation at a mode.
#include "run.hpp"

#include <stan/services/optimize/laplace_sample.hpp>

#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace runner {
namespace {

bool written_by_optimize(const std::string& name) {
  std::ifstream stream(name);
  for (std::string line; std::getline(stream, line) && !line.empty() && line.front() == '#';)
    if (line.find("method = optimize") != std::string::npos) return true;
  return false;
}

/// The mode in unconstrained coordinates, from the optimizer's CSV or a JSON file.
Eigen::VectorXd read_mode(const std::string& name, const stan::model::model_base& model) {
  const std::string suffix = std::filesystem::path(name).extension().string();
  std::vector<double> mode;
  if (suffix == ".json") {
    mode = unconstrain_json(model, name);
  } else if (suffix == ".csv") {
    const Eigen::MatrixXd draws = read_draws(name, model);
    if (!written_by_optimize(name))
      throw std::invalid_argument("CSV file is not output from Stan optimization\n");
    if (draws.rows() == 0)
      throw std::invalid_argument("CSV file is incomplete: \"" + name + "\" has no draws\n");
    mode = unconstrain(model, draws.row(0));
  } else {
    throw std::invalid_argument("Mode file must be CSV or JSON, found " + name + "\n");
  }
  return Eigen::Map<Eigen::VectorXd>(mode.data(), static_cast<Eigen::Index>(mode.size()));
}

}  // namespace

int laplace(Run& run) {
  const Argument& arguments = run.method();
  const std::string& mode_file = arguments.text("mode");
  if (mode_file.empty())
    throw std::invalid_argument(
        "Missing mode argument, cannot get laplace sample without parameter estimates theta-hat");
  const Eigen::VectorXd mode = read_mode(mode_file, run.model);
  const int draws = arguments.integer("draws");
  const bool calculate_lp = arguments.flag("calculate_lp");
  const std::string& file = run.output().text("diagnostic_file");
  JsonWriters hessian = file.empty()
                            ? no_json(1)
                            : json_writers(file_names(file, "", ".json", 1, run.id),
                                           run.output().integer("sig_figs"));
  const auto draw = [&](auto service) {
    return service(run.model, mode, draws, calculate_lp, run.seed, run.refresh, run.interrupt,
                   run.logger, run.csv[0], hessian[0]);
  };
  if (arguments.flag("jacobian"))
    return draw([](auto&&... a) { return stan::services::laplace_sample<true>(a...); });
  return draw([](auto&&... a) { return stan::services::laplace_sample<false>(a...); });
}

}  // namespace runner

// A Stan program's executable: CmdStan's command line, console output and files.
#include "grammar.hpp"
#include "run.hpp"

#include <stan/math/prim/core/init_threadpool_tbb.hpp>
#include <stan/math/rev/core/profiling.hpp>
#include <stan/services/error_codes.hpp>
#include <stan/version.hpp>

#include <chrono>
#include <ctime>
#include <iomanip>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>

// Both are defined by the code stanc generates.
stan::model::model_base& new_model(stan::io::var_context& data, unsigned int seed,
                                   std::ostream* messages);

namespace runner {
namespace {

using Method = int (*)(Run&);

const std::map<std::string, Method> methods = {
    {"sample", sample},
};

std::vector<std::string> version_lines() {
  return {"stan_version_major = " + stan::MAJOR_VERSION,
          "stan_version_minor = " + stan::MINOR_VERSION,
          "stan_version_patch = " + stan::PATCH_VERSION};
}

std::string start_time() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::ostringstream text;
  text << std::put_time(std::gmtime(&now), "%Y-%m-%d %H:%M:%S UTC");
  return text.str();
}

void print_info() {
  for (const std::string& line : version_lines()) std::cout << line << "\n";
#ifdef STAN_THREADS
  std::cout << "STAN_THREADS=true\n";
#else
  std::cout << "STAN_THREADS=false\n";
#endif
  std::cout << "STAN_MPI=false\nSTAN_OPENCL=false\nSTAN_NO_RANGE_CHECKS=false\n"
               "STAN_CPP_OPTIMS=false\n";
}

/// The comments at the head of every CSV file.
void write_header(CsvWriter& csv, const Run& run) {
  for (const std::string& line : version_lines()) csv(line);
  csv("model = " + run.model.model_name());
  csv("start_datetime = " + start_time());
  for (const std::string& line : describe(run.arguments)) csv(line);
  for (const std::string& line : run.model.model_compile_info()) csv(line);
}

unsigned number_of_chains(const Argument& method) {
  if (method.name == "pathfinder") return method.integer("num_paths");
  if (method.name == "sample" || method.name == "generate_quantities")
    return method.integer("num_chains");
  return 1;
}

/// A number is a radius; anything else is the name of a file.
double init_radius(std::string& init) {
  std::size_t used = 0;
  try {
    const double radius = std::stod(init, &used);
    if (used == init.size()) {
      init.clear();
      return radius;
    }
  } catch (const std::logic_error&) {
    // Not a number at all.
  }
  return 2.0;
}

void start_threads(int threads) {
  const int wanted = stan::math::internal::get_num_threads();
  if (wanted != threads && wanted != 1)
    throw std::invalid_argument("STAN_NUM_THREADS= " + std::to_string(wanted) +
                                " but argument num_threads= " + std::to_string(threads) +
                                ". Please either only set one or make sure they are equal.");
  stan::math::init_threadpool_tbb(threads);
}

int run_method(const Argument& arguments) {
  const Argument& method = arguments.chosen("method");
  const Argument& output = arguments["output"];
  start_threads(arguments.integer("num_threads"));
  if (output.flag("save_cmdstan_config"))
    throw std::invalid_argument("save_cmdstan_config=1 is not supported by this program.");

  for (const std::string& line : describe(arguments)) std::cout << line << "\n";
  std::cout << std::endl;

  const unsigned seed = arguments["random"].get<long long>("seed");
  const unsigned id = arguments.integer("id");
  const unsigned chains = number_of_chains(method);
  const Context data = read_json(arguments["data"].text("file"));
  stan::model::model_base& model = new_model(*data, seed, &std::cout);

  std::string init = arguments.text("init");
  const double radius = init_radius(init);
  const int sig_figs = output.integer("sig_figs");
  const std::string& diagnostic_file = output.text("diagnostic_file");
  Run run{arguments,
          model,
          seed,
          id,
          chains,
          output.integer("refresh"),
          radius,
          read_json_per_chain(init, chains, id),
          csv_writers(file_names(output.text("file"), "", ".csv", chains, id), sig_figs),
          diagnostic_file.empty()
              ? no_csv(chains)
              : csv_writers(file_names(diagnostic_file, "", ".csv", chains, id), sig_figs)};
  run.no_writers.resize(chains);
  for (CsvWriter& csv : run.csv) write_header(csv, run);
  for (CsvWriter& csv : run.diagnostics) write_header(csv, run);
  return methods.at(method.name)(run);
}

}  // namespace

int main(const std::vector<std::string>& words) {
  if (!words.empty() && words.front() == "info") {
    print_info();
    return 0;
  }
  Argument arguments = grammar();
  try {
    parse(arguments, words);
  } catch (const UsageError& error) {
    std::cerr << error.what() << "\nFailed to parse command arguments, cannot run model."
              << std::endl;
    return 1;
  }
  try {
    return run_method(arguments) == stan::services::error_codes::OK ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << error.what() << std::endl;
    return 1;
  }
}

}  // namespace runner

int main(int argc, char** argv) {
  return runner::main(std::vector<std::string>(argv + 1, argv + argc));
}

// A Stan program's executable: CmdStan's command line, console output and files.
#include "grammar.hpp"
#include "header.hpp"
#include "run.hpp"

#include <stan/math/prim/core/init_threadpool_tbb.hpp>
#include <stan/math/rev/core/profiling.hpp>
#include <stan/services/error_codes.hpp>

#include <filesystem>
#include <iostream>
#include <map>
#include <stdexcept>
#include <system_error>

// Both are defined by the code stanc generates.
stan::model::model_base& new_model(stan::io::var_context& data, unsigned int seed,
                                   std::ostream* messages);
stan::math::profile_map& get_stan_profile_data();

namespace runner {
namespace {

struct Method {
  int (*run)(Run&);
  /// The argument that holds how many chains (or paths) there are, if there can be several.
  const char* chains;
};

const std::map<std::string, Method> methods = {
    {"sample", {sample, "num_chains"}},
    {"optimize", {optimize, nullptr}},
    {"laplace", {laplace, nullptr}},
    {"pathfinder", {pathfinder, "num_paths"}},
    {"variational", {variational, nullptr}},
    {"generate_quantities", {generate_quantities, nullptr}},
    {"log_prob", {log_prob, nullptr}},
};

/// Where a method starts: a number is a radius, anything else is the name of a file.
struct Start {
  double radius = 2.0;
  std::string file;

  explicit Start(const std::string& init) : file(init) {
    try {
      std::size_t used = 0;
      const double number = std::stod(init, &used);
      if (used != init.size()) return;
      radius = number;
      file.clear();
    } catch (const std::logic_error&) {
      return;  // not a number at all
    }
  }
};

void start_threads(int threads) {
  const int wanted = stan::math::internal::get_num_threads();
  if (wanted != threads && wanted != 1)
    throw std::invalid_argument("STAN_NUM_THREADS= " + std::to_string(wanted) +
                                " but argument num_threads= " + std::to_string(threads) +
                                ". Please either only set one or make sure they are equal.");
  stan::math::init_threadpool_tbb(threads);
}

/// Creating the output would empty an input of the same name before it is read.
void check_file_names(const Argument& arguments) {
  static const std::map<std::string, const char*> inputs = {
      {"generate_quantities", "fitted_params"},
      {"laplace", "mode"},
      {"log_prob", "constrained_params"},
  };
  const Argument& method = arguments.chosen("method");
  const auto input = inputs.find(method.name);
  if (input == inputs.end()) return;
  const std::string& file = method.text(input->second);
  std::error_code missing;
  if (std::filesystem::equivalent(file, arguments["output"].text("file"), missing))
    throw std::invalid_argument(std::string("Filename conflict, ") + input->second + " file " +
                                file + " and output file names are identical, must be "
                                "different.\n");
}

/// One CSV file for each chain; several paths share one.
CsvWriters draws_writers(const Argument& arguments, unsigned chains, unsigned id) {
  const Argument& output = arguments["output"];
  const unsigned files = arguments.text("method") == "pathfinder" ? 1 : chains;
  return csv_writers(file_names(output.text("file"), "", ".csv", files, id),
                     output.integer("sig_figs"));
}

/// Only samplers and ADVI write a diagnostic CSV; laplace and pathfinder write JSON themselves.
CsvWriters diagnostic_writers(const Argument& arguments, unsigned chains, unsigned id) {
  const Argument& output = arguments["output"];
  const std::string& name = output.text("diagnostic_file");
  const std::string& method = arguments.text("method");
  if (name.empty() || (method != "sample" && method != "variational")) return no_csv(chains);
  return csv_writers(file_names(name, "", ".csv", chains, id), output.integer("sig_figs"));
}

/// The time spent in each `profile` block of the Stan program.
void write_profile(const Argument& output) {
  const stan::math::profile_map& profile = get_stan_profile_data();
  if (profile.empty()) return;
  const auto file = create(output.text("profile_file"), output.integer("sig_figs"));
  *file << "name,thread_id,total_time,forward_time,reverse_time,chain_stack,no_chain_stack,"
           "autodiff_calls,no_autodiff_calls\n";
  for (const auto& [key, info] : profile)
    *file << key.first << "," << key.second << "," << info.get_fwd_time() + info.get_rev_time()
          << "," << info.get_fwd_time() << "," << info.get_rev_time() << ","
          << info.get_chain_stack_used() << "," << info.get_nochain_stack_used() << ","
          << info.get_num_AD_fwd_passes() << "," << info.get_num_no_AD_fwd_passes() << "\n";
}

int run_method(const Argument& arguments) {
  const Argument& output = arguments["output"];
  if (output.flag("save_cmdstan_config"))
    throw std::invalid_argument("save_cmdstan_config=1 is not supported by this program.");
  check_file_names(arguments);
  start_threads(arguments.integer("num_threads"));
  for (const std::string& line : describe(arguments)) std::cout << line << "\n";
  std::cout << std::endl;

  const Argument& arguments_of_method = arguments.chosen("method");
  const Method& method = methods.at(arguments_of_method.name);
  const unsigned chains = method.chains ? arguments_of_method.integer(method.chains) : 1;
  const unsigned id = arguments.integer("id");
  const auto seed = static_cast<unsigned>(arguments["random"].get<long long>("seed"));
  const Context data = read_json(arguments["data"].text("file"));
  stan::model::model_base& model = new_model(*data, seed, &std::cout);

  const Start start(arguments.text("init"));
  Run run{arguments,
          model,
          seed,
          id,
          chains,
          output.integer("refresh"),
          start.radius,
          read_json_per_chain(start.file, chains, id),
          draws_writers(arguments, chains, id),
          diagnostic_writers(arguments, chains, id)};
  run.no_writers.resize(chains);
  for (CsvWriter& csv : run.csv) write_header(csv, arguments, model);
  for (CsvWriter& csv : run.diagnostics) write_header(csv, arguments, model);
  const int status = method.run(run);
  write_profile(output);
  return status;
}

}  // namespace

int main(const std::vector<std::string>& words) {
  if (!words.empty() && words.front() == "info") {
    print_info(std::cout);
    return 0;
  }
  try {
    Argument arguments = grammar();
    parse(arguments, words);
    return run_method(arguments) == stan::services::error_codes::OK ? 0 : 1;
  } catch (const UsageError& error) {
    std::cerr << error.what() << "\nFailed to parse command arguments, cannot run model."
              << std::endl;
  } catch (const std::exception& error) {
    std::cerr << error.what() << std::endl;
  }
  return 1;
}

}  // namespace runner

int main(int argc, char** argv) {
  return runner::main(std::vector<std::string>(argv + 1, argv + argc));
}

#include "grammar.hpp"

#include <stan/math/prim/core/init_threadpool_tbb.hpp>

#include <chrono>

namespace runner {
namespace {

using Kind = Argument::Kind;

double number(const Value& value) {
  if (const auto* integer = std::get_if<long long>(&value)) return static_cast<double>(*integer);
  return std::get<double>(value);
}

Constraint greater_than_zero(const std::string& name) {
  return {"0 < " + name, [](const Value& v) { return number(v) > 0; }};
}

Constraint at_least_zero(const std::string& name) {
  return {"0 <= " + name, [](const Value& v) { return number(v) >= 0; }};
}

Argument value(const std::string& name, Value default_value, Constraint constraint = {}) {
  return {name, Kind::value, default_value, default_value, std::move(constraint), {}};
}

Argument flag(const std::string& name, bool default_value) {
  return value(name, default_value, {"[0, 1]"});
}

Argument file(const std::string& name, const std::string& default_value = "") {
  return value(name, default_value, {"Path to existing file"});
}

Argument count(const std::string& name, long long default_value) {
  return value(name, default_value, greater_than_zero(name));
}

Argument count_or_zero(const std::string& name, long long default_value) {
  return value(name, default_value, at_least_zero(name));
}

Argument positive(const std::string& name, double default_value) {
  return value(name, default_value, greater_than_zero(name));
}

Argument tolerance(const std::string& name, double default_value) {
  return value(name, default_value, at_least_zero("tol"));
}

Argument group(const std::string& name, std::vector<Argument> children) {
  return {name, Kind::group, {}, {}, {}, std::move(children)};
}

Argument bare(const std::string& name) { return {name, Kind::bare, {}, {}, {}, {}}; }

/// The first alternative is the default unless another is named.
Argument choice(const std::string& name, std::vector<Argument> alternatives,
                std::string default_name = "") {
  if (default_name.empty()) default_name = alternatives.front().name;
  return {name, Kind::choice, default_name, default_name, {}, std::move(alternatives)};
}

/// The line search and convergence settings that every quasi-Newton method shares.
std::vector<Argument> quasi_newton(bool limited_memory) {
  std::vector<Argument> arguments = {
      positive("init_alpha", 0.001), tolerance("tol_obj", 1e-12),
      tolerance("tol_rel_obj", 1e4), tolerance("tol_grad", 1e-8),
      tolerance("tol_rel_grad", 1e7), tolerance("tol_param", 1e-8),
  };
  if (limited_memory) arguments.push_back(count("history_size", 5));
  return arguments;
}

Argument sample_arguments() {
  return group(
      "sample",
      {count_or_zero("num_samples", 1000), count_or_zero("num_warmup", 1000),
       flag("save_warmup", false), count("thin", 1),
       group("adapt",
             {flag("engaged", true), positive("gamma", 0.05),
              value("delta", 0.8,
                    {"0 < delta < 1",
                     [](const Value& v) { return 0 < number(v) && number(v) < 1; }}),
              positive("kappa", 0.75), positive("t0", 10.0), count_or_zero("init_buffer", 75),
              count_or_zero("term_buffer", 50), count_or_zero("window", 25),
              flag("save_metric", false)}),
       choice("algorithm",
              {group("hmc", {choice("engine", {group("nuts", {count("max_depth", 10)})}),
                             choice("metric", {bare("unit_e"), bare("diag_e"), bare("dense_e")},
                                    "diag_e"),
                             file("metric_file"), positive("stepsize", 1.0),
                             value("stepsize_jitter", 0.0,
                                   {"0 <= stepsize_jitter <= 1",
                                    [](const Value& v) {
                                      return 0 <= number(v) && number(v) <= 1;
                                    }})}),
               bare("fixed_param")}),
       count("num_chains", 1)});
}

Argument optimize_arguments() {
  return group("optimize",
               {choice("algorithm", {group("bfgs", quasi_newton(false)),
                                     group("lbfgs", quasi_newton(true)), group("newton", {})},
                       "lbfgs"),
                flag("jacobian", false), count("iter", 2000), flag("save_iterations", false)});
}

Argument pathfinder_arguments() {
  std::vector<Argument> arguments = quasi_newton(true);
  for (Argument& own :
       std::vector<Argument>{count("num_psis_draws", 1000), count("num_paths", 4),
                             flag("save_single_paths", false), flag("psis_resample", true),
                             flag("calculate_lp", true), count("max_lbfgs_iters", 1000),
                             count("num_draws", 1000), count("num_elbo_draws", 25)})
    arguments.push_back(std::move(own));
  return group("pathfinder", std::move(arguments));
}

Argument variational_arguments() {
  return group("variational",
               {choice("algorithm", {group("meanfield", {}), group("fullrank", {})}),
                count("iter", 10000), count("grad_samples", 1), count("elbo_samples", 100),
                positive("eta", 1.0), group("adapt", {flag("engaged", true), count("iter", 50)}),
                positive("tol_rel_obj", 0.01), count("eval_elbo", 100),
                count_or_zero("output_samples", 1000)});
}

Argument method_argument() {
  return choice(
      "method",
      {sample_arguments(), optimize_arguments(), variational_arguments(),
       group("generate_quantities",
             {file("fitted_params"),
              // Stan 2.35 writes parameters into the quantities when there are several chains.
              value("num_chains", 1LL, {"num_chains == 1, run the program once for each chain",
                                        [](const Value& v) { return number(v) == 1; }})}),
       pathfinder_arguments(),
       group("log_prob", {file("unconstrained_params"), file("constrained_params"),
                          flag("jacobian", true)}),
       group("laplace", {file("mode"), flag("jacobian", true), count("draws", 1000),
                         flag("calculate_lp", true)})});
}

/// The clock gives the seed when the user gives none; it prints as the default.
Argument seed_argument() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const long long clock =
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count() % (1LL << 32);
  return value("seed", clock,
               {"non-negative integer < 4294967296",
                [](const Value& v) { return 0 <= number(v) && number(v) < 4294967296.0; }});
}

Argument threads_argument() {
#ifdef STAN_THREADS
  const Constraint constraint{"num_threads > 0 || num_threads == -1", [](const Value& v) {
                                return number(v) > 0 || number(v) == -1;
                              }};
#else
  const Constraint constraint{"num_threads == 1 (compile with STAN_THREADS for more)",
                              [](const Value& v) { return number(v) == 1; }};
#endif
  const long long available = stan::math::internal::get_num_threads();
  return value("num_threads", available, constraint);
}

}  // namespace

Argument grammar() {
  return group(
      "",
      {method_argument(), value("id", 1LL, at_least_zero("id")), group("data", {file("file")}),
       value("init", std::string("2"),
             {"All (real number for a range, 0 for all zero, or the path of a file)"}),
       group("random", {seed_argument()}),
       group("output",
             {file("file", "output.csv"), file("diagnostic_file"),
              count_or_zero("refresh", 100),
              value("sig_figs", -1LL,
                    {"0 <= integer <= 18, or -1 for the default precision",
                     [](const Value& v) { return -1 <= number(v) && number(v) <= 18; }}),
              file("profile_file", "profile.csv"), flag("save_cmdstan_config", false)}),
       threads_argument()});
}

}  // namespace runner

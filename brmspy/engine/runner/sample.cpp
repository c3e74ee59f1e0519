// method=sample: NUTS with a unit, diagonal or dense metric, and fixed_param.
#include "run.hpp"

#include <stan/services/sample/fixed_param.hpp>
#include <stan/services/sample/hmc_nuts_dense_e.hpp>
#include <stan/services/sample/hmc_nuts_dense_e_adapt.hpp>
#include <stan/services/sample/hmc_nuts_diag_e.hpp>
#include <stan/services/sample/hmc_nuts_diag_e_adapt.hpp>
#include <stan/services/sample/hmc_nuts_unit_e.hpp>
#include <stan/services/sample/hmc_nuts_unit_e_adapt.hpp>
#include <stan/services/util/create_unit_e_dense_inv_metric.hpp>
#include <stan/services/util/create_unit_e_diag_inv_metric.hpp>

#include <stdexcept>

namespace runner {
namespace {

/// The sampler's settings.
struct Nuts {
  const Argument& sample;
  const Argument& hmc;
  const Argument& adapt;
  int warmup;
  int samples;
  int thin;
  bool save_warmup;
  double stepsize;
  double jitter;
  int max_depth;
  std::string metric;
  bool adapted;

  explicit Nuts(const Argument& sample_)
      : sample(sample_),
        hmc(sample.chosen("algorithm")),
        adapt(sample["adapt"]),
        warmup(sample.integer("num_warmup")),
        samples(sample.integer("num_samples")),
        thin(sample.integer("thin")),
        save_warmup(sample.flag("save_warmup")),
        stepsize(hmc.real("stepsize")),
        jitter(hmc.real("stepsize_jitter")),
        max_depth(hmc.chosen("engine").integer("max_depth")),
        metric(hmc.text("metric")),
        adapted(adapt.flag("engaged")) {}
};

/// The user's metric file, or the unit metric: what Stan's shorter overloads start from too.
std::vector<Context> initial_metrics(const Run& run, const Nuts& nuts) {
  namespace util = stan::services::util;
  const std::string& file = nuts.hmc.text("metric_file");
  if (!file.empty()) return read_json_per_chain(file, run.chains, run.id);
  const std::size_t size = run.model.num_params_r();
  const auto unit = nuts.metric == "dense_e" ? util::create_unit_e_dense_inv_metric(size)
                                             : util::create_unit_e_diag_inv_metric(size);
  return std::vector<Context>(run.chains,
                              std::make_shared<stan::io::array_var_context>(unit));
}

JsonWriters metric_writers(const Run& run, const Nuts& nuts) {
  if (!nuts.adapt.flag("save_metric")) return no_json(run.chains);
  if (!nuts.adapted)
    throw std::invalid_argument(
        "Saving the adapted metric (save_metric=1) can only be enabled "
        "when adaptation is engaged (adapt engaged=1)\n");
  return json_writers(
      file_names(run.output().text("file"), "_metric", ".json", run.chains, run.id),
      run.output().integer("sig_figs"));
}

int adaptive(Run& run, const Nuts& nuts) {
  namespace services = stan::services::sample;
  const double delta = nuts.adapt.real("delta");
  const double gamma = nuts.adapt.real("gamma");
  const double kappa = nuts.adapt.real("kappa");
  const double t0 = nuts.adapt.real("t0");
  const unsigned init_buffer = nuts.adapt.integer("init_buffer");
  const unsigned term_buffer = nuts.adapt.integer("term_buffer");
  const unsigned window = nuts.adapt.integer("window");
  JsonWriters metrics = metric_writers(run, nuts);
  if (nuts.metric == "unit_e")
    return services::hmc_nuts_unit_e_adapt(
        run.model, run.chains, run.inits, run.seed, run.id, run.init_radius, nuts.warmup,
        nuts.samples, nuts.thin, nuts.save_warmup, run.refresh, nuts.stepsize, nuts.jitter,
        nuts.max_depth, delta, gamma, kappa, t0, run.interrupt, run.logger, run.no_writers,
        run.csv, run.diagnostics, metrics);
  const auto with_metric = [&](auto service) {
    return service(run.model, run.chains, run.inits, initial_metrics(run, nuts), run.seed,
                   run.id, run.init_radius, nuts.warmup, nuts.samples, nuts.thin,
                   nuts.save_warmup, run.refresh, nuts.stepsize, nuts.jitter, nuts.max_depth,
                   delta, gamma, kappa, t0, init_buffer, term_buffer, window, run.interrupt,
                   run.logger, run.no_writers, run.csv, run.diagnostics, metrics);
  };
  if (nuts.metric == "dense_e")
    return with_metric([](auto&&... a) { return services::hmc_nuts_dense_e_adapt(a...); });
  return with_metric([](auto&&... a) { return services::hmc_nuts_diag_e_adapt(a...); });
}

int fixed_metric(Run& run, const Nuts& nuts) {
  namespace services = stan::services::sample;
  metric_writers(run, nuts);
  if (nuts.metric == "unit_e")
    return services::hmc_nuts_unit_e(
        run.model, run.chains, run.inits, run.seed, run.id, run.init_radius, nuts.warmup,
        nuts.samples, nuts.thin, nuts.save_warmup, run.refresh, nuts.stepsize, nuts.jitter,
        nuts.max_depth, run.interrupt, run.logger, run.no_writers, run.csv, run.diagnostics);
  const auto with_metric = [&](auto service) {
    return service(run.model, run.chains, run.inits, initial_metrics(run, nuts), run.seed,
                   run.id, run.init_radius, nuts.warmup, nuts.samples, nuts.thin,
                   nuts.save_warmup, run.refresh, nuts.stepsize, nuts.jitter, nuts.max_depth,
                   run.interrupt, run.logger, run.no_writers, run.csv, run.diagnostics);
  };
  if (nuts.metric == "dense_e")
    return with_metric([](auto&&... a) { return services::hmc_nuts_dense_e(a...); });
  return with_metric([](auto&&... a) { return services::hmc_nuts_diag_e(a...); });
}

}  // namespace

int sample(Run& run) {
  namespace services = stan::services::sample;
  const Argument& arguments = run.method();
  if (arguments.text("algorithm") == "fixed_param")
    return services::fixed_param(run.model, run.chains, run.inits, run.seed, run.id,
                                 run.init_radius, arguments.integer("num_samples"),
                                 arguments.integer("thin"), run.refresh, run.interrupt,
                                 run.logger, run.no_writers, run.csv, run.diagnostics);
  const Nuts nuts(arguments);
  if (nuts.adapted && nuts.warmup == 0)
    throw std::invalid_argument(
        "The number of warmup samples (num_warmup) must be greater than zero if adaptation is "
        "enabled.\n");
  return nuts.adapted ? adaptive(run, nuts) : fixed_metric(run, nuts);
}

}  // namespace runner

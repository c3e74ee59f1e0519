// What every method gets, and the methods.
#pragma once

#include "arguments.hpp"
#include "files.hpp"
#include "output.hpp"

#include <stan/callbacks/interrupt.hpp>
#include <stan/callbacks/writer.hpp>
#include <stan/model/model_base.hpp>

#include <string>
#include <vector>

namespace runner {

/// One run: the model, the settings all methods share, and where the output goes.
struct Run {
  const Argument& arguments;
  stan::model::model_base& model;
  unsigned seed;
  unsigned id;
  unsigned chains;
  int refresh;
  double init_radius;
  std::vector<Context> inits;
  CsvWriters csv;
  CsvWriters diagnostics;
  ConsoleLogger logger{};
  stan::callbacks::interrupt interrupt{};
  std::vector<stan::callbacks::writer> no_writers{};

  const Argument& method() const { return arguments.chosen("method"); }
  const Argument& output() const { return arguments["output"]; }
};

// Each returns one of stan::services::error_codes.
int sample(Run& run);
int optimize(Run& run);
int laplace(Run& run);
int pathfinder(Run& run);
int variational(Run& run);
int generate_quantities(Run& run);
int log_prob(Run& run);

}  // namespace runner

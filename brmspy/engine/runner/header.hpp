// The comments at the head of a CSV file, and what `./model info` prints.
#pragma once

#include "arguments.hpp"
#include "output.hpp"

#include <stan/model/model_base.hpp>

#include <iosfwd>

namespace runner {

void write_header(CsvWriter& csv, const Argument& arguments,
                  const stan::model::model_base& model);

void print_info(std::ostream& stream);

}  // namespace runner

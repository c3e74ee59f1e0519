#include "header.hpp"

#include <stan/version.hpp>

#include <chrono>
#include <ctime>
#include <iomanip>
#include <ostream>
#include <sstream>

namespace runner {
namespace {

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

}  // namespace

void write_header(CsvWriter& csv, const Argument& arguments,
                  const stan::model::model_base& model) {
  for (const std::string& line : version_lines()) csv(line);
  csv("model = " + model.model_name());
  csv("start_datetime = " + start_time());
  for (const std::string& line : describe(arguments)) csv(line);
  for (const std::string& line : model.model_compile_info()) csv(line);
}

void print_info(std::ostream& stream) {
#ifdef STAN_THREADS
  const char* threads = "true";
#else
  const char* threads = "false";
#endif
  for (const std::string& line : version_lines()) stream << line << "\n";
  stream << "STAN_THREADS=" << threads
         << "\nSTAN_MPI=false\nSTAN_OPENCL=false\nSTAN_NO_RANGE_CHECKS=false\n"
            "STAN_CPP_OPTIMS=false\n";
}

}  // namespace runner

// Where draws and messages go: CSV and JSON files, and the console.
#pragma once

#include <stan/callbacks/json_writer.hpp>
#include <stan/callbacks/logger.hpp>
#include <stan/callbacks/unique_stream_writer.hpp>

#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace runner {

using CsvWriter = stan::callbacks::unique_stream_writer<std::ofstream>;
using CsvWriters = std::vector<CsvWriter>;
using JsonWriter = stan::callbacks::json_writer<std::ofstream>;
using JsonWriters = std::vector<JsonWriter>;

/// Messages to standard output, errors to standard error, a whole line at a time: chains in
/// one process share the console.
class ConsoleLogger : public stan::callbacks::logger {
 public:
  void debug(const std::string& message) override { write(message, false); }
  void debug(const std::stringstream& message) override { write(message.str(), false); }
  void info(const std::string& message) override { write(message, false); }
  void info(const std::stringstream& message) override { write(message.str(), false); }
  void warn(const std::string& message) override { write(message, false); }
  void warn(const std::stringstream& message) override { write(message.str(), false); }
  void error(const std::string& message) override { write(message, true); }
  void error(const std::stringstream& message) override { write(message.str(), true); }
  void fatal(const std::string& message) override { write(message, true); }
  void fatal(const std::stringstream& message) override { write(message.str(), true); }

 private:
  void write(const std::string& message, bool is_error);
  std::mutex mutex_;
};

/// A file whose rows reach the disk whole, one write for each, also when the run is killed.
std::unique_ptr<std::ofstream> create(const std::string& name, int sig_figs);

CsvWriters csv_writers(const std::vector<std::string>& names, int sig_figs);
JsonWriters json_writers(const std::vector<std::string>& names, int sig_figs);

/// Writers that write nothing.
CsvWriters no_csv(unsigned chains);
JsonWriters no_json(unsigned chains);

}  // namespace runner

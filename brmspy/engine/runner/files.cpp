#include "files.hpp"

#include <stan/io/empty_var_context.hpp>
#include <stan/io/json/json_data.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace runner {
namespace {

namespace fs = std::filesystem;

std::ifstream open(const std::string& name) {
  std::ifstream stream(name);
  if (!stream) throw std::invalid_argument("Can't open specified file, \"" + name + "\"\n");
  return stream;
}

std::vector<std::string> split_columns(const std::string& line) {
  std::vector<std::string> columns;
  std::istringstream stream(line);
  for (std::string column; std::getline(stream, column, ',');) columns.push_back(column);
  return columns;
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() &&
         text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// The first line that is neither a comment nor empty; false at the end of the file.
bool next_row(std::istream& stream, std::string& line) {
  while (std::getline(stream, line))
    if (!line.empty() && line.front() != '#') return true;
  return false;
}

/// Where the parameters start: after the sampler's own columns, whose names end in "__".
std::size_t first_parameter(const std::vector<std::string>& header) {
  std::size_t column = 0;
  while (column < header.size() && ends_with(header[column], "__")) ++column;
  return column;
}

[[noreturn]] void fail_unconstrain(const std::exception& error, const std::string& messages) {
  throw std::invalid_argument(std::string(error.what()) +
                              "\nBad or missing parameter values, cannot unconstrain." +
                              (messages.empty() ? "" : "\n\t" + messages) + "\n");
}

}  // namespace

std::vector<std::string> file_names(const std::string& name, const std::string& tag,
                                    const std::string& suffix, unsigned chains, unsigned id) {
  const fs::path path(name);
  const bool own_suffix = suffix == ".csv" && path.has_extension();
  const std::string end = own_suffix ? path.extension().string() : suffix;
  const std::string stem = (path.parent_path() / path.stem()).string();
  std::vector<std::string> names;
  for (unsigned i = 0; i < chains; ++i)
    names.push_back(stem + tag + (chains == 1 ? "" : "_" + std::to_string(id + i)) + end);
  return names;
}

Context read_json(const std::string& name) {
  if (name.empty()) return std::make_shared<stan::io::empty_var_context>();
  std::ifstream stream = open(name);
  return std::make_shared<stan::json::json_data>(stream);
}

std::vector<Context> read_json_per_chain(const std::string& name, unsigned chains, unsigned id) {
  const std::vector<std::string> names = file_names(name, "", ".json", chains, id);
  if (name.empty() || chains == 1 || !fs::exists(names.front()))
    return std::vector<Context>(chains, read_json(name));
  std::vector<Context> contexts;
  for (const std::string& own : names) contexts.push_back(read_json(own));
  return contexts;
}

Eigen::MatrixXd read_draws(const std::string& name, const stan::model::model_base& model) {
  std::vector<std::string> parameters;
  model.constrained_param_names(parameters, false, false);
  if (parameters.empty())
    throw std::invalid_argument("Model " + model.model_name() +
                                " has no parameters, nothing to estimate.\n");
  std::ifstream stream = open(name);
  std::string line;
  if (!next_row(stream, line))
    throw std::invalid_argument("Error reading fitted param names from sample csv file \"" +
                                name + "\"\n");
  const std::vector<std::string> header = split_columns(line);
  const std::size_t first = first_parameter(header);
  for (std::size_t i = 0; i < parameters.size(); ++i)
    if (first + i >= header.size() || header[first + i] != parameters[i])
      throw std::invalid_argument("Mismatch between model and fitted_parameters csv file \"" +
                                  name + "\"\n");

  std::vector<double> values;
  while (next_row(stream, line)) {
    const std::vector<std::string> columns = split_columns(line);
    if (columns.size() != header.size())
      throw std::invalid_argument("Incomplete row in csv file \"" + name + "\"\n");
    for (std::size_t i = 0; i < parameters.size(); ++i)
      values.push_back(std::strtod(columns[first + i].c_str(), nullptr));
  }
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const auto columns = static_cast<Eigen::Index>(parameters.size());
  const auto rows = static_cast<Eigen::Index>(values.size()) / columns;
  return Eigen::Map<RowMajor>(values.data(), rows, columns);
}

std::vector<double> unconstrain(const stan::model::model_base& model,
                                const Eigen::VectorXd& constrained) {
  std::stringstream messages;
  const std::vector<double> values(constrained.data(), constrained.data() + constrained.size());
  std::vector<double> unconstrained(model.num_params_r());
  try {
    model.unconstrain_array(values, unconstrained, &messages);
  } catch (const std::exception& error) {
    fail_unconstrain(error, messages.str());
  }
  return unconstrained;
}

std::vector<double> unconstrain_json(const stan::model::model_base& model,
                                     const std::string& name) {
  std::stringstream messages;
  std::vector<double> unconstrained(model.num_params_r());
  std::vector<int> no_integers;
  try {
    model.transform_inits(*read_json(name), no_integers, unconstrained, &messages);
  } catch (const std::exception& error) {
    fail_unconstrain(error, messages.str());
  }
  return unconstrained;
}

}  // namespace runner

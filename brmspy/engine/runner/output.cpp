#include "output.hpp"

#include <iostream>
#include <stdexcept>

namespace runner {
namespace {

/// Wide rows must fit: a row split over two writes could be cut in half by a signal.
constexpr std::size_t buffer_size = std::size_t{1} << 20;

/// An output file that owns its buffer.
class BufferedFile : public std::ofstream {
 public:
  explicit BufferedFile(const std::string& name) : buffer_(buffer_size) {
    rdbuf()->pubsetbuf(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    open(name);
  }
  ~BufferedFile() override { close(); }

 private:
  std::vector<char> buffer_;
};

}  // namespace

void ConsoleLogger::write(const std::string& message, bool is_error) {
  const std::lock_guard<std::mutex> lock(mutex_);
  (is_error ? std::cerr : std::cout) << message + "\n" << std::flush;
}

std::unique_ptr<std::ofstream> create(const std::string& name, int sig_figs) {
  auto file = std::make_unique<BufferedFile>(name);
  if (!*file) throw std::invalid_argument("Can't create output file, \"" + name + "\"\n");
  file->exceptions(std::ofstream::badbit);
  if (sig_figs > -1) file->precision(sig_figs);
  return file;
}

CsvWriters csv_writers(const std::vector<std::string>& names, int sig_figs) {
  CsvWriters writers;
  writers.reserve(names.size());
  for (const std::string& name : names) writers.emplace_back(create(name, sig_figs), "# ");
  return writers;
}

JsonWriters json_writers(const std::vector<std::string>& names, int sig_figs) {
  JsonWriters writers;
  writers.reserve(names.size());
  for (const std::string& name : names) writers.emplace_back(create(name, sig_figs));
  return writers;
}

CsvWriters no_csv(unsigned chains) {
  CsvWriters writers;
  writers.reserve(chains);
  for (unsigned i = 0; i < chains; ++i) writers.emplace_back(nullptr, "# ");
  return writers;
}

JsonWriters no_json(unsigned chains) {
  JsonWriters writers;
  writers.reserve(chains);
  for (unsigned i = 0; i < chains; ++i) writers.emplace_back();
  return writers;
}

}  // namespace runner

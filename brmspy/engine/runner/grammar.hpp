// CmdStan 2.35's arguments, defaults and constraints.
#pragma once

#include "arguments.hpp"

namespace runner {

Argument grammar();

}  // namespace runner

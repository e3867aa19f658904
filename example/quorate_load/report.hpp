// The result of a run, as text for people or as one JSON object.
#ifndef QUORATE_LOAD_REPORT_HPP
#define QUORATE_LOAD_REPORT_HPP

#include <iosfwd>

#include "options.hpp"
#include "tally.hpp"

namespace quorate_load {

void print_text(std::ostream& out, const options& chosen, const tally& counts);
void print_json(std::ostream& out, const options& chosen, const tally& counts);

} // namespace quorate_load

#endif

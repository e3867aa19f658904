// The node of kvstore: its templates are compiled here, once, for all files of the program.
#include "routes.hpp"

template class quorate::basic_node<>;

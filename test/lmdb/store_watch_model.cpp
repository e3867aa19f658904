// The store's own tests, over a database.
#include "scratch_backend.hpp"

#define QUORATE_TESTED_BACKEND quorate_test::scratch_backend
#include "../store/watch_model.cpp"

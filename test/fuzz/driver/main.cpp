// Runs a fuzz target without libFuzzer: the files given as arguments, or a bounded number of seeded
// random inputs. What crashes here crashes there, but only libFuzzer looks for new paths.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr int input_count = 20000;
constexpr std::size_t input_bytes_max = 4096;

void run_file(const char* path) {
    std::ifstream file(path, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

/// Effects: runs inputs of all lengths; every second one is the one before with a byte changed.
void run_random() {
    std::mt19937 random(1);
    std::vector<std::uint8_t> bytes;
    for (int n = 0; n < input_count; ++n) {
        if (n % 2 == 0 || bytes.empty()) {
            bytes.resize(random() % (n % 8 == 0 ? input_bytes_max : 64));
            for (std::uint8_t& byte : bytes) {
                byte = static_cast<std::uint8_t>(random());
            }
        } else {
            bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
        }
        LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    }
    std::printf("%d inputs\n", input_count);
}

} // namespace

int main(int count, char** arguments) {
    for (int n = 1; n < count; ++n) {
        run_file(arguments[n]);
    }
    if (count == 1) {
        run_random();
    }
    return 0;
}

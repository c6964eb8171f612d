// Runs a fuzz target without libFuzzer: every file of a corpus, then mutations of them, the same
// ones for the same seed. What fails, fails by aborting; the last input is then in the file named
// on standard error.
//
//   fuzz_x CORPUS_DIRECTORY [MUTATIONS] [SEED]
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

constexpr std::size_t kMaxInputBytes = 4096;
constexpr unsigned long kDefaultMutations = 5000;
constexpr unsigned long kDefaultSeed = 1;

std::vector<Input> read_corpus(const char* directory) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    if (entry.is_regular_file()) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());  // the same seed means the same inputs everywhere
  std::vector<Input> corpus;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return corpus;
}

class Mutator {
 public:
  Mutator(std::vector<Input> corpus, unsigned long seed)
      : corpus_(std::move(corpus)), random_(seed) {}

  Input next() {
    Input input = any_input();
    for (std::size_t steps = 1 + below(6); steps > 0; --steps) mutate(input);
    if (input.size() > kMaxInputBytes) input.resize(kMaxInputBytes);
    return input;
  }

 private:
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }
  std::uint8_t byte() { return static_cast<std::uint8_t>(below(256)); }
  const Input& any_input() { return corpus_[below(corpus_.size())]; }

  static auto at(Input& input, std::size_t offset) {
    return input.begin() + static_cast<std::ptrdiff_t>(offset);
  }

  void mutate(Input& input) {
    const std::size_t place = below(input.size() + 1);
    const std::size_t length = std::min(below(32), input.size() - place);
    switch (below(7)) {
      case 0:
        if (place < input.size()) input[place] ^= static_cast<std::uint8_t>(1U << below(8));
        break;
      case 1:
        if (place < input.size()) input[place] = byte();
        break;
      case 2:
        input.insert(at(input, place), byte());
        break;
      case 3:
        input.erase(at(input, place), at(input, place + length));
        break;
      case 4: {  // a stretch of it once more
        const Input copy(at(input, place), at(input, place + length));
        input.insert(at(input, below(input.size() + 1)), copy.begin(), copy.end());
        break;
      }
      case 5: {  // the rest of another one
        const Input& other = any_input();
        input.resize(place);
        const std::size_t from = below(other.size() + 1);
        input.insert(input.end(), other.begin() + static_cast<std::ptrdiff_t>(from), other.end());
        break;
      }
      default:
        put_size(input, place);
    }
  }

  // Sizes are what parsers trip over.
  void put_size(Input& input, std::size_t place) {
    static constexpr std::uint32_t sizes[] = {
        0, 1, 4, 5, 0x7f, 0x80, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
    if (input.size() < place + 4) return;
    const std::uint32_t size = sizes[below(std::size(sizes))];
    for (std::size_t i = 0; i < 4; ++i)
      input[place + i] = static_cast<std::uint8_t>(size >> (24 - 8 * i));
  }

  std::vector<Input> corpus_;
  std::mt19937_64 random_;
};

// Kept on disk while it runs, so that a crash leaves it behind.
class LastInput {
 public:
  explicit LastInput(const char* program) : path_(std::string(program) + ".last-input") {
    std::fprintf(stderr, "the input at work is in %s\n", path_.c_str());
  }
  ~LastInput() { std::remove(path_.c_str()); }

  void run(const Input& input) {
    if (std::FILE* file = std::fopen(path_.c_str(), "wb")) {
      std::fwrite(input.data(), 1, input.size(), file);
      std::fclose(file);
    }
    // A copy of exactly its size, so that a sanitizer sees every step beyond it.
    LLVMFuzzerTestOneInput(Input(input).data(), input.size());
  }

 private:
  std::string path_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s CORPUS_DIRECTORY [MUTATIONS] [SEED]\n", argv[0]);
    return 2;
  }
  const unsigned long mutations = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : kDefaultMutations;
  const unsigned long seed = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : kDefaultSeed;
  const auto corpus = read_corpus(argv[1]);
  if (corpus.empty()) {
    std::fprintf(stderr, "no corpus in %s\n", argv[1]);
    return 2;
  }
  std::printf("%zu inputs, %lu mutations, seed %lu\n", corpus.size(), mutations, seed);
  LastInput last(argv[0]);
  for (const auto& input : corpus) last.run(input);
  Mutator mutator(corpus, seed);
  for (unsigned long i = 0; i < mutations; ++i) last.run(mutator.next());
  return 0;
}

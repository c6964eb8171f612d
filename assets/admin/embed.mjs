// Writes the built page as a C++ source: every file compressed, as a string.
//
//   node embed.mjs DIST OUTPUT.cpp
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { gzipSync } from "node:zlib";

const [dist, output] = process.argv.slice(2);

function* files(directory) {
  const entries = readdirSync(directory, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else yield path;
  }
}

function literal(bytes) {
  const lines = [];
  for (let i = 0; i < bytes.length; i += 64) {
    const escaped = [...bytes.subarray(i, i + 64)].map((byte) => "\\" + byte.toString(8).padStart(3, "0"));
    lines.push(`    "${escaped.join("")}"`);
  }
  return lines.join("\n");
}

const assets = [...files(dist)].map((path, index) => {
  const plain = readFileSync(path);
  const packed = gzipSync(plain, { level: 9 });
  return {
    name: relative(dist, path).split(sep).join("/"),
    constant: `kFile${index}`,
    packedBytes: packed.length,
    size: plain.length,
    text: literal(packed),
  };
});

writeFileSync(
  output,
  `// Made by assets/admin/embed.mjs.
#include <array>

#include "admin/assets.h"

namespace nsq::admin {
namespace {

${assets.map((a) => `constexpr char ${a.constant}[] =\n${a.text};\n`).join("\n")}
constexpr std::array<Asset, ${assets.length}> kAssets = {{
${assets.map((a) => `    {"${a.name}", {${a.constant}, ${a.packedBytes}}, true, ${a.size}},`).join("\n")}
}};

}  // namespace

std::span<const Asset> built_in_assets() {
  return kAssets;
}

}  // namespace nsq::admin
`,
);

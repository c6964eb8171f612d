import { defineConfig } from "vite";

export default defineConfig({
  base: "./", // addresses are relative to the document's <base>
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    outDir: "dist",
    assetsDir: "static",
    assetsInlineLimit: 0,
    target: "es2020",
    modulePreload: false,
  },
});

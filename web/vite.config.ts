import { defineConfig } from "vite";

import { noGradients } from "./no-gradients";
import { sourceDigest } from "./source-digest";

const OUT = "../src/ctsieve/web/static";

// The page is served by the service itself from src/ctsieve/web/static: no other host, no inline
// script (the content security policy forbids both), so nothing may be inlined or preloaded by script.
// NiiVue can also read Zarr; its decoders (1.3 MB) are left out, for the service sends NIfTI only.
const none = new URL("src/none.ts", import.meta.url).pathname;

export default defineConfig({
  base: "/",
  plugins: [noGradients(), sourceDigest(OUT)],
  resolve: { alias: [{ find: /^numcodecs\/.*$/, replacement: none }] },
  build: {
    outDir: OUT,
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    chunkSizeWarningLimit: 3500,
  },
  server: {
    port: 5173,
    proxy: { "/api": "http://127.0.0.1:8080" },
  },
});

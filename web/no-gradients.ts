/**
 * NiiVue computes the gradient of the whole scan whenever its window changes, for a kind of shading
 * that this page never asks for; without a graphics card that takes longer than all the rest.  It is
 * left out as the page is built, and the build fails where NiiVue no longer has these lines.
 */

import type { Plugin } from "vite";

const ALWAYS = "if (layer === 0) {\n      this.volumeTexture = outTexture;\n      this.gradientTexture = gradientGL({";
const WHEN_ASKED =
  "if (layer === 0) this.volumeTexture = outTexture;\n    if (layer === 0 && this.opts.gradientAmount !== 0) {\n      this.gradientTexture = gradientGL({";

/** Compute gradients only where they are shown. */
export function noGradients(): Plugin {
  return {
    name: "no-gradients",
    transform(code, id) {
      if (!id.includes("/@niivue/niivue/build/niivue/index.js")) return null;
      if (code.split(ALWAYS).length !== 2) throw new Error("NiiVue computes gradients elsewhere now");
      return { code: code.replace(ALWAYS, WHEN_ASKED), map: null };
    },
  };
}

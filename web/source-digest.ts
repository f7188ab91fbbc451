/** A digest of everything the built page is made from, kept beside it: a test compares the two. */

import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Plugin } from "vite";

const ROOTS = ["index.html", "no-gradients.ts", "package-lock.json", "public", "src", "vite.config.ts"];

/** Write `built-from.txt` into the built page. */
export function sourceDigest(out: string): Plugin {
  return {
    name: "source-digest",
    apply: "build",
    closeBundle() {
      const names = ROOTS.flatMap((root) =>
        root.includes(".")
          ? [root]
          : readdirSync(root, { recursive: true, withFileTypes: true })
              .filter((entry) => entry.isFile())
              .map((entry) => join(entry.parentPath, entry.name)),
      );
      const digest = createHash("sha256");
      for (const name of names.sort()) digest.update(`${name}\0`).update(readFileSync(name)).update("\0");
      writeFileSync(join(out, "built-from.txt"), `${digest.digest("hex")}\n`);
    },
  };
}

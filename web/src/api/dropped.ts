/** Files out of a drop or a file dialogue, folders walked to the bottom. */

import type { Chosen } from "./uploads";

export interface Dropped {
  title: string;
  chosen: Chosen[];
}

const IGNORED = new Set([".DS_Store", "Thumbs.db", "desktop.ini"]);

function readAll(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> {
  return new Promise((resolve, reject) => {
    const found: FileSystemEntry[] = [];
    // A browser gives at most a hundred entries at a time, and an empty list at the end.
    const more = (): void =>
      reader.readEntries((batch) => {
        found.push(...batch);
        if (batch.length > 0) more();
        else resolve(found);
      }, reject);
    more();
  });
}

async function walk(entry: FileSystemEntry): Promise<Chosen[]> {
  if (IGNORED.has(entry.name)) return [];
  if (entry.isDirectory) {
    const inside = await readAll((entry as FileSystemDirectoryEntry).createReader());
    return (await Promise.all(inside.map(walk))).flat();
  }
  const file = await new Promise<File>((resolve, reject) => {
    (entry as FileSystemFileEntry).file(resolve, reject);
  });
  return [{ file, name: entry.fullPath.replace(/^\//, "") }];
}

/** What was dropped: every folder by itself, loose files together. */
export async function fromDrop(transfer: DataTransfer): Promise<Dropped[]> {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  const folders = entries.filter((entry) => entry.isDirectory);
  const loose = entries.filter((entry) => !entry.isDirectory);
  const walked = await Promise.all(
    folders.map(async (entry) => ({ title: entry.name, chosen: await walk(entry) })),
  );
  const files = (await Promise.all(loose.map(walk))).flat();
  return [...walked, ...apart(files)].filter(({ chosen }) => chosen.length > 0);
}

/** What was chosen in a dialogue. */
export function fromInput(files: FileList): Dropped[] {
  const chosen = [...files]
    .filter((file) => !IGNORED.has(file.name))
    .map((file) => ({ file, name: file.webkitRelativePath || file.name }));
  const folder = chosen[0]?.file.webkitRelativePath.split("/")[0];
  if (folder) return [{ title: folder, chosen }];
  return apart(chosen);
}

const WHOLE = /\.(zip|tar|tgz|tar\.gz|nii|nii\.gz)$/i;
const PICTURE = /\.(png|jpe?g|tiff?|bmp|webp)$/i;

/** Archives and NIfTI files are studies by themselves; what is left belongs together. */
function apart(chosen: Chosen[]): Dropped[] {
  const whole = chosen.filter(({ name }) => WHOLE.test(name));
  const rest = chosen.filter(({ name }) => !WHOLE.test(name));
  const alone = whole.map((one) => ({ title: one.name, chosen: [one] }));
  const first = rest[0];
  if (!first) return alone;
  const title =
    rest.length === 1 ? first.name : `${first.name} and ${String(rest.length - 1)} more`;
  return [...alone, { title, chosen: rest }];
}

/** Whether all of it is pictures, which can be judged one by one. */
export const onlyPictures = ({ chosen }: Dropped): boolean =>
  chosen.every(({ name }) => PICTURE.test(name));

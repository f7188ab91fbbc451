/** Slices of a NIfTI volume as grey pictures, without a graphics card. */

import { decompress, isCompressed, readHeader, readImage } from "nifti-reader-js";

import { bytes } from "../api/client";

const INT16 = 4;

/** A volume in Hounsfield units, its voxels as (column, row, slice), the column fastest. */
export class Slices {
  private constructor(
    readonly columns: number,
    readonly rows: number,
    readonly count: number,
    private readonly hu: Int16Array,
    /** Along which axes (column, row, slice) the file runs against the study's own order. */
    private readonly turned: readonly boolean[],
  ) {}

  /** Load a volume of whole Hounsfield units. */
  static async load(url: string): Promise<Slices> {
    const packed = await bytes(url);
    const raw = isCompressed(packed) ? decompress(packed) : packed;
    const whole = raw instanceof ArrayBuffer ? raw : new Uint8Array(raw).buffer;
    const header = readHeader(whole as ArrayBuffer);
    if (!header || header.datatypeCode !== INT16) {
      throw new Error("The volume is not in whole Hounsfield units");
    }
    const [, columns = 0, rows = 0, count = 0] = header.dims;
    const hu = new Int16Array(readImage(header, whole as ArrayBuffer));
    return new Slices(columns, rows, count, hu, turnedAxes(header.affine));
  }

  /** Paint a slice in a window. */
  paint(canvas: HTMLCanvasElement, slice: number, centre: number, width: number): void {
    canvas.width = this.columns;
    canvas.height = this.rows;
    const context = canvas.getContext("2d");
    if (!context) return;
    const [mirrored = false, upturned = false, fromFeet = false] = this.turned;
    const size = this.columns * this.rows;
    const start = (fromFeet ? this.count - 1 - slice : slice) * size;
    const picture = context.createImageData(this.columns, this.rows);
    const scale = 255 / width;
    const least = centre - width / 2;
    for (let at = 0; at < size; at++) {
      const column = at % this.columns;
      const row = (at - column) / this.columns;
      const there = mirrored ? this.columns - 1 - column : column;
      const line = upturned ? this.rows - 1 - row : row;
      const value = this.hu[start + line * this.columns + there] ?? least;
      const grey = (value - least) * scale;
      picture.data.fill(grey, 4 * at, 4 * at + 3);
      picture.data[4 * at + 3] = 255;
    }
    context.putImageData(picture, 0, 0);
  }
}

/**
 * A file may hold its axes in either direction; its affine (RAS millimetres) tells.  The study's
 * own order is from head to feet, from front to back, and from the patient's right to the left,
 * which are all against RAS.
 */
function turnedAxes(affine: readonly (readonly number[])[]): boolean[] {
  return [0, 1, 2].map((axis) => {
    const along = [0, 1, 2].map((row) => Math.abs(affine[row]?.[axis] ?? 0));
    const own = affine[axis]?.[axis] ?? 0;
    if (Math.abs(own) < Math.max(...along)) throw new Error("The volume is not axial");
    // Towards the left is RAS minus x and towards the back minus y; towards the feet is minus z.
    return own > 0;
  });
}

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
    return new Slices(columns, rows, count, hu);
  }

  /** Paint a slice in a window. */
  paint(canvas: HTMLCanvasElement, slice: number, centre: number, width: number): void {
    canvas.width = this.columns;
    canvas.height = this.rows;
    const context = canvas.getContext("2d");
    if (!context) return;
    const size = this.columns * this.rows;
    const picture = context.createImageData(this.columns, this.rows);
    const scale = 255 / width;
    const least = centre - width / 2;
    for (let at = 0; at < size; at++) {
      const grey = ((this.hu[slice * size + at] ?? least) - least) * scale;
      picture.data.fill(grey, 4 * at, 4 * at + 3);
      picture.data[4 * at + 3] = 255;
    }
    context.putImageData(picture, 0, 0);
  }
}

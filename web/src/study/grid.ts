/**
 * Between slices and millimetres, by the affine that the screening gives.
 *
 * An index is (slice, row, column), slices counted from the head from 0; LPS millimetres are
 * DICOM's; the viewer thinks in RAS millimetres, which differ in the sign of x and y.
 */

export type Triple = [number, number, number];

/** A study's voxel grid. */
export class Grid {
  private readonly back: readonly Triple[];

  constructor(
    readonly shape: Triple,
    private readonly affine: readonly (readonly number[])[],
  ) {
    this.back = inverse(affine);
  }

  /** RAS millimetres of an index. */
  toRas([s, r, c]: Triple): Triple {
    const [x, y, z] = [0, 1, 2].map((row) => {
      const [a = 0, b = 0, d = 0, at = 0] = this.affine[row] ?? [];
      return a * s + b * r + d * c + at;
    }) as Triple;
    return [-x, -y, z];
  }

  /** The index, not rounded, at RAS millimetres. */
  toIndex([x, y, z]: Triple): Triple {
    const from = [-x, -y, z].map((value, row) => value - (this.affine[row]?.[3] ?? 0)) as Triple;
    return this.back.map((row) => dot(row, from)) as Triple;
  }

  /** The number of a slice within the study, whatever was asked for. */
  inside(slice: number): number {
    return Math.min(Math.max(Math.round(slice), 0), this.shape[0] - 1);
  }
}

const dot = (a: Triple, b: Triple): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

const cross = (a: Triple, b: Triple): Triple => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

/** Rows of the inverse of the upper left 3x3, by cross products of its columns. */
function inverse(affine: readonly (readonly number[])[]): Triple[] {
  const column = (number: number): Triple =>
    [0, 1, 2].map((row) => affine[row]?.[number] ?? 0) as Triple;
  const [a, b, c] = [column(0), column(1), column(2)];
  const volume = dot(a, cross(b, c));
  return [cross(b, c), cross(c, a), cross(a, b)].map(
    (row) => row.map((value) => value / volume) as Triple,
  );
}

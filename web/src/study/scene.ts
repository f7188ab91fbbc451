/** The study in NiiVue: layers, window, layout and place, in the study's own terms. */

import { DRAG_MODE, MULTIPLANAR_TYPE, Niivue, SHOW_RENDER, SLICE_TYPE } from "@niivue/niivue";

import type { Grid, Triple } from "./grid";

export type Layout = "axial" | "planes" | "3d";
export type Layer = "heat" | "lungs" | "lesions";

export interface Place {
  slice: number;
  hu: number | null;
}

export interface Look {
  layout: Layout;
  window: { centre: number; width: number };
  /** From 0, not seen, to 1. */
  opacity: Record<Layer, number>;
}

/** What is laid over the scan, drawn in this order. */
export const LAYERS: readonly Layer[] = ["lungs", "heat", "lesions"];

interface Paint {
  colormap: string;
  cal_min: number;
  cal_max: number;
  colormapType: number;
}

// NiiVue's own numbers, which it does not export: from cal_min to cal_max; or from 0 to cal_max,
// with a cover that grows as the square of the value up to cal_min.
const PLAIN = 0;
const GROWING = 1;

const LOOKS: Record<Layer, Paint> = {
  // Faint heat leaves the anatomy as it is.
  heat: { colormap: "heat", cal_min: 1, cal_max: 1.001, colormapType: GROWING },
  lungs: { colormap: "lungs", cal_min: 0.5, cal_max: 1, colormapType: PLAIN },
  lesions: { colormap: "lesions", cal_min: 0.5, cal_max: 8, colormapType: PLAIN },
};

/** The report's colours of heat from 0 to 1. */
const HEAT = {
  R: [105, 136, 165, 193, 217, 237, 251, 255, 254, 254, 254],
  G: [36, 45, 55, 67, 82, 101, 125, 154, 182, 209, 234],
  B: [142, 142, 136, 125, 112, 95, 80, 79, 94, 108, 115],
  A: [0, ...Array<number>(10).fill(255)],
  I: [0, 26, 51, 77, 102, 128, 153, 179, 204, 230, 255],
};

const LAYOUTS: Record<Layout, SLICE_TYPE> = {
  axial: SLICE_TYPE.AXIAL,
  planes: SLICE_TYPE.MULTIPLANAR,
  "3d": SLICE_TYPE.RENDER,
};

const SOLID = [0, 255, 255, 255];

/** Hounsfield units that tell the body from air, for the solid view. */
const BODY = { centre: -150, width: 900 };

/** One open viewer. */
export class Scene {
  private wanted: Look | null = null;

  private constructor(
    private readonly nv: Niivue,
    private readonly grid: Grid,
    private readonly shown: readonly Layer[],
  ) {}

  /** Load a scan and what lies over it into a canvas. */
  static async open(
    canvas: HTMLCanvasElement,
    grid: Grid,
    addresses: { image: string } & Partial<Record<Layer, string>>,
  ): Promise<Scene> {
    const nv = new Niivue({
      backColor: [0, 0, 0, 1],
      crosshairWidth: 0,
      crosshairColor: [0.6, 0.8, 1, 0.8],
      dragAndDropEnabled: false,
      dragMode: DRAG_MODE.contrast,
      isOrientCube: true,
      isRadiologicalConvention: true,
      logLevel: "error",
      multiplanarShowRender: SHOW_RENDER.NEVER,
      show3Dcrosshair: true,
      sliceType: SLICE_TYPE.AXIAL,
      loadingText: "",
    });
    await nv.attachToCanvas(canvas);
    nv.addColormap("heat", HEAT);
    nv.addColormap("lungs", { R: [70, 70, 120], G: [150, 170, 210], B: [255, 255, 255], A: SOLID.slice(0, 3), I: [0, 128, 255] });
    nv.addColormap("lesions", { R: [255, 255, 120], G: [90, 190, 230], B: [60, 60, 255], A: SOLID.slice(0, 3), I: [0, 128, 255] });
    const layers = LAYERS.filter((layer) => addresses[layer]);
    await nv.loadVolumes([
      { url: addresses.image, colormap: "gray" },
      ...layers.map((layer) => ({ url: addresses[layer] ?? "", ...LOOKS[layer], opacity: 0 })),
    ]);
    for (const [number, layer] of layers.entries()) {
      const volume = nv.volumes[number + 1];
      // NiiVue does not take it from the options above.
      if (volume) volume.colormapType = LOOKS[layer].colormapType;
    }
    nv.setMultiplanarLayout(MULTIPLANAR_TYPE.GRID);
    return new Scene(nv, grid, layers);
  }

  /** Tell whoever asks where the reader is. */
  whenMoved(tell: (place: Place) => void): void {
    this.nv.onLocationChange = (told: unknown) => {
      const { mm, values } = told as { mm: Float32Array; values: { value: number }[] };
      const [slice] = this.grid.toIndex([mm[0] ?? 0, mm[1] ?? 0, mm[2] ?? 0]);
      const hu = values[0]?.value;
      tell({ slice: this.grid.inside(slice), hu: hu === undefined ? null : Math.round(hu) });
    };
  }

  /** Show a slice; the place within it stays. */
  goTo(slice: number): void {
    const mm = this.nv.frac2mm(this.nv.scene.crosshairPos);
    const [, row, column] = this.grid.toIndex([mm[0] ?? 0, mm[1] ?? 0, mm[2] ?? 0]);
    const ras: Triple = this.grid.toRas([this.grid.inside(slice), row, column]);
    this.nv.scene.crosshairPos = this.nv.mm2frac([...ras, 1]);
    this.nv.drawScene();
    this.nv.createOnLocationChange();
  }

  /**
   * Change how everything looks, all at once: the graphics card composes the layers anew only one
   * time, at the next frame, however many changes there were before it.
   */
  look(look: Look): void {
    const waiting = this.wanted !== null;
    this.wanted = look;
    if (!waiting) requestAnimationFrame(() => this.compose());
  }

  private compose(): void {
    const look = this.wanted;
    const scan = this.nv.volumes[0];
    this.wanted = null;
    if (!look || !scan) return;
    const solid = look.layout === "3d";
    const { centre, width } = solid ? BODY : look.window;
    scan.colormap = solid ? "ct_surface" : "gray";
    scan.cal_min = centre - width / 2;
    scan.cal_max = centre + width / 2;
    for (const [number, layer] of this.shown.entries()) {
      const volume = this.nv.volumes[number + 1];
      if (volume) volume.opacity = look.opacity[layer];
    }
    this.nv.opts.crosshairWidth = look.layout === "axial" ? 0 : 1;
    this.nv.opts.sliceType = LAYOUTS[look.layout];
    this.nv.updateGLVolume();
  }

  /** Give the graphics memory back. */
  close(): void {
    this.nv.cleanup();
  }
}

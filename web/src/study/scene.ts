/** The study in NiiVue: layers, window, layout and place, in the study's own terms. */

import { DRAG_MODE, MULTIPLANAR_TYPE, NVImage, Niivue, SHOW_RENDER, SLICE_TYPE } from "@niivue/niivue";

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

type Addresses = { image: string } & Partial<Record<Layer, string>>;

/** One open viewer. */
export class Scene {
  private wanted: Look | null = null;
  private busy = false;
  private led = false;
  private readonly layers = new Map<Layer, Promise<NVImage>>();
  /** How scan and layers are drawn now, as text: what has not changed is not computed anew. */
  private drawn = { scan: "", layers: "" };

  private constructor(
    private readonly nv: Niivue,
    private readonly grid: Grid,
    private readonly addresses: Addresses,
    private readonly scan: NVImage,
  ) {}

  /** Load a scan, and what is to be seen over it, into a canvas. */
  static async open(
    canvas: HTMLCanvasElement,
    grid: Grid,
    addresses: Addresses,
    look: Look,
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
    nv.setMultiplanarLayout(MULTIPLANAR_TYPE.GRID);
    const scan = await NVImage.loadFromUrl({ url: addresses.image, colormap: "gray" });
    const scene = new Scene(nv, grid, addresses, scan);
    await scene.show(look);
    return scene;
  }

  /** Tell whoever asks where the reader is, and whether the reader moved here or `goTo` did. */
  whenMoved(tell: (place: Place, byReader: boolean) => void): void {
    this.nv.onLocationChange = (told: unknown) => {
      const { mm, values } = told as { mm: Float32Array; values: { value: number }[] };
      const [slice] = this.grid.toIndex([mm[0] ?? 0, mm[1] ?? 0, mm[2] ?? 0]);
      const hu = values[0]?.value;
      const place = { slice: this.grid.inside(slice), hu: hu === undefined ? null : Math.round(hu) };
      tell(place, !this.led);
    };
  }

  /** Show a slice; the place within it stays. */
  goTo(slice: number): void {
    const mm = this.nv.frac2mm(this.nv.scene.crosshairPos);
    const [, row, column] = this.grid.toIndex([mm[0] ?? 0, mm[1] ?? 0, mm[2] ?? 0]);
    const ras: Triple = this.grid.toRas([this.grid.inside(slice), row, column]);
    this.nv.scene.crosshairPos = this.nv.mm2frac([...ras, 1]);
    this.nv.drawScene();
    this.led = true;
    this.nv.createOnLocationChange();
    this.led = false;
  }

  /** Change how everything looks, at the next frame; of several changes the last counts. */
  look(look: Look): void {
    this.wanted = look;
    if (this.busy) return;
    this.busy = true;
    requestAnimationFrame(() => void this.catchUp());
  }

  private async catchUp(): Promise<void> {
    try {
      while (this.wanted) {
        const look = this.wanted;
        this.wanted = null;
        await this.show(look);
      }
    } finally {
      this.busy = false;
    }
  }

  /**
   * Draw the scan with the layers that are seen; a layer is loaded when it is first wanted.  Each
   * is a texture of the whole scan, and without a graphics card making one takes seconds.
   */
  private async show(look: Look): Promise<void> {
    const { nv, scan, drawn } = this;
    const seen = LAYERS.filter((layer) => this.addresses[layer] && look.opacity[layer] > 0);
    const images = await Promise.all(seen.map((layer) => this.layer(layer)));
    for (const [number, layer] of seen.entries()) {
      const image = images[number];
      if (image) image.opacity = look.opacity[layer];
    }
    // The graphics card forgets a last layer only by drawing it unseen.
    const [last] = nv.volumes.slice(1);
    if (images.length === 0 && last) {
      last.opacity = 0;
      images.push(last);
    }
    const solid = look.layout === "3d";
    const { centre, width } = solid ? BODY : look.window;
    scan.colormap = solid ? "ct_surface" : "gray";
    scan.cal_min = centre - width / 2;
    scan.cal_max = centre + width / 2;
    nv.opts.crosshairWidth = look.layout === "axial" ? 0 : 1;
    nv.opts.sliceType = LAYOUTS[look.layout];
    nv.volumes = [scan, ...images];
    nv.back = scan;
    nv.overlays = images;
    const wanted = {
      scan: [scan.colormap, centre, width].join(" "),
      layers: images.map(({ name, opacity }) => `${name} ${String(opacity)}`).join(" "),
    };
    this.drawn = wanted;
    if (!drawn.scan) {
      nv.updateGLVolume();
      return;
    }
    if (wanted.scan !== drawn.scan) nv.refreshLayers(scan, 0);
    if (wanted.layers !== drawn.layers) {
      for (const [number, image] of images.entries()) nv.refreshLayers(image, number + 1);
    }
    nv.drawScene();
  }

  private layer(layer: Layer): Promise<NVImage> {
    const known = this.layers.get(layer);
    if (known) return known;
    const { colormapType, ...look } = LOOKS[layer];
    const url = this.addresses[layer] ?? "";
    const loading = NVImage.loadFromUrl({ url, name: `${layer}.nii.gz`, ...look }).then((image) => {
      // NiiVue does not take it from the options above.
      image.colormapType = colormapType;
      return image;
    });
    this.layers.set(layer, loading);
    return loading;
  }

  /** Give the graphics memory back. */
  close(): void {
    this.nv.cleanup();
  }
}

/** Resumable uploads: pieces of a few megabytes, each at an offset that the service confirms. */

import { Problem, address, post, writeHeaders } from "./client";

const PIECE = 4 * 1024 * 1024;
const TRIES = 5;
const SAME_TIME = 3;

export interface Chosen {
  file: File;
  /** Path inside the chosen folder, or the file's own name. */
  name: string;
}

interface Opened {
  id: string;
  parts: { name: string; offset: number }[];
}

export interface Finished {
  /** `file` is the number of the sent file that a study is, where it is a single one. */
  studies: { id: string; file: number | null }[];
  batch: string | null;
}

export type Kind = "study" | "pictures";

/** One upload under way. */
export class Upload {
  private stopping = new AbortController();
  private opened: Opened | null = null;
  private readonly sent: number[];
  readonly total: number;

  constructor(
    private readonly chosen: readonly Chosen[],
    private readonly kind: Kind,
    private readonly onProgress: (sent: number, total: number) => void,
  ) {
    this.sent = chosen.map(() => 0);
    this.total = chosen.reduce((sum, { file }) => sum + file.size, 0);
  }

  /** Stop; what has arrived stays at the service and is not sent again. */
  stop(): void {
    this.stopping.abort();
  }

  /** Send everything that the service does not have yet, and close the upload; run it again to resume. */
  async run(): Promise<Finished> {
    this.stopping = new AbortController();
    const opened = this.opened ?? (await this.open());
    const waiting = this.chosen.map((_, number) => number);
    const worker = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        await this.sendFile(opened.id, next, this.sent[next] ?? 0);
      }
    };
    await Promise.all(Array.from({ length: SAME_TIME }, worker));
    return post<Finished>(address("uploads", opened.id, "finish"));
  }

  private async open(): Promise<Opened> {
    const files = this.chosen.map(({ name, file }) => ({ name, size: file.size }));
    const opened = await post<Opened>(address("uploads"), { files, kind: this.kind });
    for (const [number, part] of opened.parts.entries()) this.note(number, part.offset);
    this.opened = opened;
    return opened;
  }

  private note(number: number, offset: number): void {
    this.sent[number] = offset;
    this.onProgress(
      this.sent.reduce((sum, part) => sum + part, 0),
      this.total,
    );
  }

  private async sendFile(upload: string, number: number, from: number): Promise<void> {
    const file = this.chosen[number]?.file;
    if (!file) throw new Problem(0, "The service asks for a file that was not chosen", "", "");
    let offset = from;
    while (offset < file.size) {
      offset = await this.sendPiece(upload, number, file.slice(offset, offset + PIECE), offset);
      this.note(number, offset);
    }
  }

  /** Send a piece; a broken connection is tried again, longer and longer apart. */
  private async sendPiece(
    upload: string,
    number: number,
    piece: Blob,
    offset: number,
  ): Promise<number> {
    const url = `${address("uploads", upload, "files", number)}?offset=${String(offset)}`;
    for (let attempt = 1; ; attempt++) {
      this.stopping.signal.throwIfAborted();
      try {
        const response = await fetch(url, {
          method: "PUT",
          body: piece,
          headers: { ...writeHeaders(), "Content-Type": "application/octet-stream" },
          credentials: "same-origin",
          signal: this.stopping.signal,
        });
        const told = (await response.json()) as Record<string, unknown>;
        if (response.ok || response.status === 409) {
          if (typeof told["offset"] === "number") return told["offset"];
        }
        const text = (key: string): string => (typeof told[key] === "string" ? told[key] : "");
        throw new Problem(response.status, text("title"), text("detail"), text("hint"));
      } catch (problem) {
        const final = problem instanceof Problem && problem.status > 0 && problem.status < 500;
        if (final || attempt === TRIES || this.stopping.signal.aborted) throw problem;
        await new Promise((wake) => setTimeout(wake, 500 * 2 ** attempt));
      }
    }
  }
}

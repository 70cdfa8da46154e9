/** What the page and its worker say to each other. */

export type Example = 'iris' | 'digits';
export type Backend = 'auto' | 'wasm' | 'webgpu';

export interface Setup {
  readonly example: Example;
  readonly backend: Backend;
  /** Of a new run; one that is saved keeps its own. */
  readonly seed: bigint;
}

/** What the page asks for. */
export type Ask =
  | { readonly kind: 'open'; readonly setup: Setup }
  | { readonly kind: 'train' }
  /** Steps a second at most; null for as many as there are. */
  | { readonly kind: 'pace'; readonly perSecond: number | null }
  | { readonly kind: 'stop' }
  /** Forgets the saved run of the example. */
  | { readonly kind: 'reset'; readonly setup: Setup }
  | { readonly kind: 'export' }
  | { readonly kind: 'import'; readonly file: File; readonly backend: Backend }
  /** 784 grey values, ink = 1. */
  | { readonly kind: 'classify'; readonly pixels: Float32Array };

/** The run as it was found or made. */
export interface Opened {
  readonly setup: Setup;
  /** False for a run that begins. */
  readonly resumed: boolean;
  readonly device: {
    readonly backend: string;
    readonly adapter: string;
    readonly why: string;
    readonly exactness: string;
  };
  /** Of the whole run. */
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  readonly step: number;
  /** Of every step so far; null for one that was no number. */
  readonly losses: readonly (number | null)[];
  readonly measures: readonly Measure[];
  /** Newer checkpoints that could not be read. */
  readonly skipped: readonly string[];
}

/** The run at one step. */
export interface Measure {
  readonly step: number;
  readonly fingerprint: string;
  /** Share of rows whose class is predicted, 0 to 1: rows trained on, and rows held out where there are some. */
  readonly trained: number;
  readonly heldOut: number | null;
}

/** What the model makes of some rows, to be drawn. */
export type Picture = IrisPicture | DigitsPicture;

export interface IrisPicture {
  readonly kind: 'iris';
  /** The predicted species over a plane of petal length and width, row by row from the smallest width. */
  readonly plane: Uint8Array;
  readonly columns: number;
  readonly rows: number;
  /** Ranges of the plane in centimetres. */
  readonly lengths: readonly [number, number];
  readonly widths: readonly [number, number];
  readonly flowers: readonly {
    readonly length: number;
    readonly width: number;
    readonly species: number;
    readonly predicted: number;
  }[];
}

export interface DigitsPicture {
  readonly kind: 'digits';
  /** Held-out rows, and how many of them are wrong. */
  readonly of: number;
  readonly wrong: number;
  /** Grey values of some of them, 784 a digit, ink = 255. */
  readonly digits: readonly { readonly pixels: Uint8Array; readonly label: number; readonly predicted: number }[];
}

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** What the worker answers, and tells unasked. */
export type Said =
  | { readonly kind: 'preparing'; readonly what: string; readonly done: number; readonly total: number }
  | { readonly kind: 'opened'; readonly run: Opened; readonly imported: boolean }
  | {
      readonly kind: 'steps';
      readonly step: number;
      /** Of the steps since the last message. */
      readonly losses: readonly (number | null)[];
      /** Steps a second while computing; null where it cannot be told yet. */
      readonly perSecond: number | null;
    }
  | { readonly kind: 'measured'; readonly at: Measure; readonly picture: Picture }
  | { readonly kind: 'stopped'; readonly step: number; readonly finished: boolean }
  | { readonly kind: 'exported'; readonly name: string; readonly bytes: Uint8Array }
  | { readonly kind: 'classified'; readonly probabilities: readonly number[] }
  | { readonly kind: 'failed'; readonly during: Ask['kind']; readonly failure: Failure };

export type Say = (said: Said, transfer?: Transferable[]) => void;

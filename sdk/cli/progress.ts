/** A progress bar on standard error, for people only: nothing is drawn where no terminal is attached. */

import { Presets, SingleBar } from 'cli-progress';

export interface Progress {
  /** `done` completed steps in all; the loss of the last one, where it has been read. */
  update(done: number, epoch: number, loss: number | null): void;
  stop(): void;
}

export interface ProgressInfo {
  label: string;
  /** Steps in all, and those that were done before. */
  total: number;
  done: number;
  epochs: number;
}

/** Undefined where nobody watches. */
export function progressBar(info: ProgressInfo, stream: NodeJS.WriteStream = process.stderr): Progress | undefined {
  if (!stream.isTTY) return undefined;
  const format = `${info.label} {bar} {percentage}% | step {value}/{total} | epoch {epoch}/${info.epochs} | loss {loss}`;
  // The terminal's own settings are left alone, so that Ctrl-C leaves nothing to be put right.
  const terminal = { stream, hideCursor: false, linewrap: true, clearOnComplete: true, barsize: 20 };
  const bar = new SingleBar({ format, ...terminal }, Presets.shades_classic);
  bar.start(info.total, info.done, { epoch: 0, loss: '-' });
  return {
    update: (done, epoch, loss) => bar.update(done, { epoch, loss: loss === null ? '-' : loss.toFixed(4) }),
    stop: () => bar.stop(),
  };
}

/** The LevelDB beneath Chromium's IndexedDB, as a kill in the middle of a write leaves it, and worse. */

import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A log is blocks, in which records lie; before each are its checksum (4 bytes), its size (2) and its kind (1). */
const BLOCK = 32_768;
const HEADER = 7;
/** Kinds of records that others continue. */
const CONTINUED = [2, 3];

/** Of a page's origin in a profile: the newest log, to which Chromium appends. */
async function newestLog(profile: string, port: number): Promise<string> {
  const folder = join(profile, 'Default', 'IndexedDB', `http_127.0.0.1_${port}.indexeddb.leveldb`);
  const logs = (await readdir(folder)).filter((f) => f.endsWith('.log')).sort();
  return join(folder, logs[logs.length - 1]);
}

/** Whether the last record is complete. */
function isWhole(log: Uint8Array): boolean {
  let kind = 0;
  for (let at = 0; at < log.length; ) {
    const room = BLOCK - (at % BLOCK);
    if (room < HEADER) {
      at += room;
      continue;
    }
    if (log.length - at < HEADER) return false;
    kind = log[at + 6];
    at += HEADER + (log[at + 4] | (log[at + 5] << 8));
    if (at > log.length) return false;
  }
  return !CONTINUED.includes(kind);
}

/** Leaves a record of which only the header went out, unless a kill has torn the log by itself. */
export async function tear(profile: string, port: number): Promise<{ log: string; byItself: boolean }> {
  const log = await newestLog(profile, port);
  const byItself = !isWhole(await readFile(log));
  // of a record of 200 bytes, all of it
  if (!byItself) await appendFile(log, Uint8Array.of(1, 2, 3, 4, 200, 0, 1));
  return { log, byItself };
}

/** A byte of the first record is another one. */
export async function damage(profile: string, port: number): Promise<void> {
  const log = await newestLog(profile, port);
  const bytes = await readFile(log);
  bytes[20] ^= 255;
  await writeFile(log, bytes);
}

/** Members of a zip archive, of which nothing is trusted. */

import { type UnzipFileInfo, unzipSync } from 'fflate';
import { fault } from './archive.ts';

/** Least that an archive's directory says of a member: who claims more of them than there is room for would have all looked for. */
const ENTRY = 46;

/**
 * The members that `takes` takes, by their names. It may throw.
 * @throws DataError E_FORMAT on what cannot be read
 */
export function unzipped(
  format: string,
  bytes: Uint8Array,
  takes: (member: UnzipFileInfo) => boolean,
): Record<string, Uint8Array> {
  let seen = 0;
  try {
    return unzipSync(bytes, {
      filter(member) {
        if (++seen > bytes.length / ENTRY) throw fault(format, 'claims more members than it has room for');
        return takes(member);
      },
    });
  } catch (e) {
    throw e instanceof Error && 'hint' in e ? e : fault(format, `not a zip archive that can be read (${String(e)})`);
  }
}

/** Members of a zip archive, of which nothing is trusted. Source: PKWARE's APPNOTE.TXT, 4.3.12, 4.3.14 and 4.3.16. */

import { type UnzipFileInfo, unzipSync } from 'fflate';
import { fault } from './archive.ts';

/** Least that an archive's directory says of a member: who claims more of them than there is room for would have all looked for. */
const ENTRY = 46;
/** The directory's own entry at the end of the file, without a comment. */
const END = 22;

/**
 * The members that `takes` takes, by their names. It may throw.
 * @throws DataError E_FORMAT on what cannot be read, on members that overlap, and on bytes that are not those of their CRC-32
 */
export function unzipped(
  format: string,
  bytes: Uint8Array,
  takes: (member: UnzipFileInfo) => boolean,
): Record<string, Uint8Array> {
  const sums = new Map<string, number>();
  let seen = 0;
  let size = 0;
  // fflate does not look at the CRC-32: it stands in the directory, whose entries come here one by one.
  let at = -1;
  const u16 = (i: number): number => bytes[i] | (bytes[i + 1] << 8);
  const u32 = (i: number): number => (u16(i) | (u16(i + 2) << 16)) >>> 0;
  let members: Record<string, Uint8Array>;
  try {
    members = unzipSync(bytes, {
      filter(member) {
        if (++seen > bytes.length / ENTRY) throw fault(format, 'claims more members than it has room for');
        size += member.size;
        if (size > bytes.length) throw fault(format, `member ${JSON.stringify(member.name)} overlaps another`);
        if (at < 0) at = directoryOf(bytes, u32);
        sums.set(member.name, u32(at + 16));
        at += ENTRY + u16(at + 28) + u16(at + 30) + u16(at + 32);
        return takes(member);
      },
    });
  } catch (e) {
    throw e instanceof Error && 'hint' in e ? e : fault(format, `not a zip archive that can be read (${String(e)})`);
  }
  for (const [name, body] of Object.entries(members)) {
    if (crc32(body) === sums.get(name)) continue;
    throw fault(format, `member ${JSON.stringify(name)} has not the CRC-32 that the archive says`, {
      hint: 'The file is damaged: make it again. With set_crc32_options(False) PyTorch writes none: save it with True.',
      details: { member: name },
    });
  }
  return members;
}

/** Where the directory begins, by the entry at the end or, in Zip64, by the one that is named before it. */
function directoryOf(bytes: Uint8Array, u32: (i: number) => number): number {
  let end = bytes.length - END;
  while (u32(end) !== 0x06054b50) end--;
  const wide = u32(end - 20) === 0x07064b50 ? u32(end - 12) : -1;
  return wide >= 0 && u32(wide) === 0x06064b50 ? u32(wide + 48) : u32(end + 16);
}

/** By the reversed polynomial of ISO 3309; `crcTable[b]` is the CRC of the byte b. */
let crcTable: Uint32Array | null = null;

function crc32(bytes: Uint8Array): number {
  crcTable ??= Uint32Array.from({ length: 256 }, (_, b) => {
    let c = b;
    for (let i = 0; i < 8; i++) c = (c >>> 1) ^ (c & 1 ? 0xedb88320 : 0);
    return c;
  });
  let c = -1;
  for (let i = 0; i < bytes.length; i++) c = (c >>> 8) ^ crcTable[(c ^ bytes[i]) & 255];
  return ~c >>> 0;
}

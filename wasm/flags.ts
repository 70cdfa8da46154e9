/** What went wrong while a plan ran: bits of FLAG_NONFINITE and FLAG_INDEX, handed back by `run`. */
let flags: u32 = 0;

export function raise(bits: u32): void {
  flags |= bits;
}

/** The flags, and a clean slate. */
export function takeFlags(): u32 {
  const bits = flags;
  flags = 0;
  return bits;
}

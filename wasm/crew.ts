/**
 * The threads of one memory. The caller opens a job, whose tasks whoever has time takes from a shared counter; it takes tasks too,
 * closes the job when none is left, and goes on when nobody is inside any more. Who comes late finds the job closed: so a thread
 * that sleeps, or never started, costs nothing. Tasks write to places of their own, and no order of additions crosses one
 * (N6, N7): how many threads there are, and who does what, cannot change a bit.
 */
import { FLAG_LOST } from './build/opcodes';
import { raise, takeFlags } from './flags';
import { become } from './own';
import { task } from './tasks';

/** Words that all threads share, a cache line each. */
const JOB: usize = memory.data<u32>([0, 0, 0, 0, 0, 0], 64);
/** The next task that nobody has taken. */
const NEXT: usize = memory.data<u32>([0], 64);
/** Threads that may be at work on the job, besides the caller; and whether the caller sleeps till they are not. */
const INSIDE: usize = memory.data<u32>([0, 0], 64);
/** What tasks raised on other threads; and how many threads sleep. */
const RAISED: usize = memory.data<u32>([0, 0], 64);

/** Of JOB's first word, which is odd while a job is open: the threads are to end. */
const END: u32 = 0xffffffff;
/** Looks at a word before sleeping: some 50 us. A sleeper takes about as long to come back. */
const TURNS: u32 = 1 << 15;
/** For a thread that does not come back from a task, in nanoseconds. */
const PATIENCE: i64 = 60 * 1000 * 1000 * 1000;

/** Threads at hand, the caller's included; 1 in all instances but the caller's. */
let threads: u32 = 1;
/** Whether the caller's thread may sleep: a page's may not. */
let sleeps: bool = false;

/** Nanoseconds of work below which a kernel is left to the caller. */
export let worth: u32 = 0;

/** Sets how many threads the caller may count on, and for how much work. */
export function enlist(count: u32, maySleep: bool, nanoseconds: u32): void {
  threads = count;
  sleeps = maySleep;
  worth = nanoseconds;
}

/** Threads to divide work among. */
@inline
export function crew(): usize {
  return ASC_FEATURE_THREADS ? threads : 1;
}

/** Does tasks [0, count) of a kind, on whoever has time; `at`, `x` and `y` are the kind's own. */
export function together(kind: u32, at: usize, count: usize, x: usize, y: usize): void {
  if (ASC_FEATURE_THREADS) {
    store<u32>(JOB, kind, 4);
    store<usize>(JOB, at, 8);
    store<usize>(JOB, count, 12);
    store<usize>(JOB, x, 16);
    store<usize>(JOB, y, 20);
    atomic.store<u32>(NEXT, 0);
    const job = (load<u32>(JOB) + 1) & 0x7fffffff;
    atomic.store<u32>(JOB, job);
    if (atomic.load<u32>(RAISED, 4) != 0) atomic.notify(JOB, -1);
    takeTasks();
    atomic.store<u32>(JOB, (job + 1) & 0x7fffffff);
    if (!left()) return raise(FLAG_LOST);
    if (atomic.load<u32>(RAISED) != 0) raise(atomic.xchg<u32>(RAISED, 0));
  }
}

function takeTasks(): void {
  const kind = load<u32>(JOB, 4);
  const at = load<usize>(JOB, 8);
  const count = load<usize>(JOB, 12);
  const x = load<usize>(JOB, 16);
  const y = load<usize>(JOB, 20);
  for (let t: usize = atomic.add<usize>(NEXT, 1); t < count; t = atomic.add<usize>(NEXT, 1)) task(kind, at, t, x, y);
}

/** Waits till nobody is inside; false where that takes too long. */
function left(): bool {
  let turns: u32 = 0;
  while (atomic.load<u32>(INSIDE) != 0) {
    if (turns < TURNS || !sleeps) turns++;
    else {
      atomic.store<u32>(INSIDE, 1, 4);
      const inside = atomic.load<u32>(INSIDE);
      const late = inside != 0 && atomic.wait<u32>(INSIDE, inside, PATIENCE) == AtomicWaitResult.TIMED_OUT;
      atomic.store<u32>(INSIDE, 0, 4);
      if (late) return false;
    }
  }
  return true;
}

/** The life of every thread but the caller's. Returns when the caller says so. */
export function work(thread: u32): void {
  if (ASC_FEATURE_THREADS) {
    become(thread);
    let seen: u32 = 0;
    for (;;) {
      let job = atomic.load<u32>(JOB);
      for (let turns: u32 = 0; job == seen || (job & 1) == 0; job = atomic.load<u32>(JOB)) {
        if (++turns < TURNS) continue;
        atomic.add<u32>(RAISED, 1, 4);
        atomic.wait<u32>(JOB, job, -1);
        atomic.sub<u32>(RAISED, 1, 4);
        turns = 0;
      }
      if (job == END) return;
      seen = job;
      atomic.add<u32>(INSIDE, 1);
      if (atomic.load<u32>(JOB) == job) {
        takeTasks();
        const bits = takeFlags();
        if (bits != 0) atomic.or<u32>(RAISED, bits);
      }
      leave();
    }
  }
}

function leave(): void {
  atomic.sub<u32>(INSIDE, 1);
  if (atomic.load<u32>(INSIDE, 4) != 0) atomic.notify(INSIDE, -1);
}

/** What a thread does last when a task of its failed: the caller need not wait for it, and hears of it. */
export function fail(): void {
  if (ASC_FEATURE_THREADS) {
    atomic.or<u32>(RAISED, FLAG_LOST);
    leave();
  }
}

/** Sends the threads home. */
export function dismiss(): void {
  if (ASC_FEATURE_THREADS) {
    threads = 1;
    atomic.store<u32>(JOB, END);
    atomic.notify(JOB, -1);
  }
}

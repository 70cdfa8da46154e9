/** Checkpoints: the file `isobit/1`, and a run's history of such files in a store. */

export { BackgroundSaver, type Picture } from './background.ts';
export type { CommitRecord } from './commit.ts';
export type { Copied, CopyOptions } from './copy.ts';
export { copyRun } from './copy.ts';
export type { DescribeOptions } from './inspect.ts';
export { describeCheckpoint } from './inspect.ts';
export type { Limits } from './limits.ts';
export { LIMITS } from './limits.ts';
export type { Schema, State } from './manifest.ts';
export type { Async, CheckpointPlan, KeepBest, Moment, Retention, Trigger } from './plan.ts';
export { checkPlan, isBetter, PLAN_OPTIONS, stepsToSave, triggersAt } from './plan.ts';
export type { CheckpointFile, OpenOptions, TensorInfo } from './reader.ts';
export { openCheckpoint } from './reader.ts';
export type { Damaged, Repair, RepairOptions } from './repair.ts';
export { repairRun } from './repair.ts';
export type { Audited, Collected, CommitInfo, Opened, RunStoreOptions, Saved } from './run.ts';
export { RunStore } from './run.ts';
export type { LazyTensor, TensorSource } from './tensor.ts';
export type {
  CheckpointContent,
  CheckpointDraft,
  EncodedCheckpoint,
  EncodeOptions,
  Seal,
} from './writer.ts';
export { draftCheckpoint, encodeCheckpoint, fingerprintOf } from './writer.ts';

// How a decision asks tables: each (table, key) once, remembered for the decision, told to the trace.
// Implemented by routing/decision.ts; match lists and maps only need this much of it.

import type { LookupResult, Table } from './table.ts';

export interface Asker {
  /** `stage` is the trace's word for what is being decided. Throws TemporaryError. */
  ask(stage: string, table: Table, key: string): Promise<LookupResult>;
  /** True when somebody reads the derivation: only then are texts for `note` worth making. */
  readonly isTracing: boolean;
  /** Tells what was decided without a table. */
  note(stage: string, table: string, key: string, result: string): void;
}

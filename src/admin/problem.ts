// What a caller is told when an operation is not done (RFC 9457): a status, a kind that programs can rely on, one line for
// people, and where it is known the field that was wrong and what to do about it.

import { RevertRefusedError } from '../directory/revert.ts';
import { DirectoryRefusedError } from '../directory/refusal.ts';
import { SettingsError } from '../settings/settings-error.ts';
import { TemporaryError } from '../lib/temporary-error.ts';

export interface Problem {
  readonly status: number;
  /** A word: the last part of the `type` of RFC 9457. */
  readonly kind: string;
  readonly detail: string;
  readonly field?: string;
  readonly mend?: string;
  readonly retryAfterSeconds?: number;
}

export class ProblemError extends Error {
  override name = 'ProblemError';
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

export function fail(status: number, kind: string, detail: string, more: Partial<Problem> = {}): never {
  throw new ProblemError({ status, kind, detail, ...more });
}

/** What is not there, and what is somebody else's: nobody can tell which. */
export function failMissing(): never {
  fail(404, 'not-found', 'there is no such object here, or it is not yours');
}

/** Undefined for what nobody expected: a fault of ours. */
export function problemOf(error: unknown, isAboutPath: boolean): Problem | undefined {
  if (error instanceof ProblemError) return error.problem;
  if (error instanceof TemporaryError) {
    return { status: 503, kind: 'try-again', detail: `${error.message}; try again`, retryAfterSeconds: 1 };
  }
  if (error instanceof SettingsError) return { status: 422, kind: 'refused', detail: error.message };
  if (!(error instanceof DirectoryRefusedError)) return undefined;
  const { kind, message } = error;
  // What comes after the colon stands apart, as in "..., as in: posthaste alias add ..."; the reason of a refusal does not.
  const split = error instanceof RevertRefusedError ? -1 : message.indexOf(': ');
  const detail = message.slice(0, split < 0 ? undefined : split).replace(/, as in$/, '');
  const text = split < 0 ? { detail } : { detail, mend: message.slice(split + 2) };
  if (kind === 'taken') return { status: 409, kind: 'taken', ...text };
  if (kind === 'missing' && isAboutPath) return { status: 404, kind: 'not-found', ...text };
  return { status: 422, kind: kind === 'missing' ? 'names-what-is-not-there' : 'refused', ...text };
}

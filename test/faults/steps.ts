// Where a round's end comes: at a random moment, while the server starts, or at a named step of a message's way
// (step-kill.c).

import type { Random } from '../harness/random.ts';

export const steps = ['accept', 'commit', 'expand', 'deliver', 'mark', 'bounce'] as const;
export type Step = (typeof steps)[number];
export type CutPoint = 'random' | 'start' | Step;
export const cutPoints: readonly CutPoint[] = ['random', 'start', ...steps];

export function isStep(point: CutPoint): point is Step {
  return steps.some((step) => step === point);
}

/** Which of a round's many, so that most rounds come as far. */
const mostBefore: Readonly<Record<Step, number>> = {
  accept: 40,
  commit: 150,
  expand: 4,
  deliver: 12,
  mark: 12,
  bounce: 4,
};

/** What the server needs in its environment to be ended there. */
export function stepEnvironment(step: Step, library: string, random: Random): Record<string, string> {
  const number = random.between(1, mostBefore[step]);
  const when = random.pick(['before', 'after']);
  // Marking: at the write of the record, at its sync, or a little later. Others sometimes go on for some calls.
  const calls = step === 'mark' ? random.between(0, 8) : random.chance(25) ? random.between(1, 6) : 0;
  return {
    LD_PRELOAD: library,
    STEP_KILL: `${step} ${number} ${when} ${calls} ${random.below(2)}`,
    // io_uring would pass by the shim.
    UV_USE_IO_URING: '0',
  };
}

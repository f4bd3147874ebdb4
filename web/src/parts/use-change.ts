// A change that somebody makes on the page: while it runs the button waits, afterwards what is shown is read again, and what
// was refused is told where it was typed.

import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Problem } from '../api.ts';
import { notify } from './notify.ts';
import { problemText } from './states.tsx';

export interface Change {
  readonly isBusy: boolean;
  readonly problem: Problem | undefined;
  /** The problem is of no interest any more. */
  readonly forget: () => void;
  /** True when it was made. */
  run(work: () => Promise<unknown>, done?: string): Promise<boolean>;
}

export function useChange(): Change {
  const queries = useQueryClient();
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const run = async (work: () => Promise<unknown>, done?: string): Promise<boolean> => {
    setBusy(true);
    setProblem(undefined);
    try {
      await work();
      await queries.invalidateQueries();
      if (done !== undefined) notify(done);
      return true;
    } catch (error) {
      if (error instanceof Problem) setProblem(error);
      else notify(problemText(error), 'red');
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { isBusy, problem, forget: () => setProblem(undefined), run };
}

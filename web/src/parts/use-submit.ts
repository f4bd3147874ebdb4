// A form that is sent: while it runs the button waits; what was refused about a field is told there, all else above the form.

import { useState } from 'react';
import { Problem } from '../api.ts';

interface Submit {
  readonly isBusy: boolean;
  readonly error: unknown;
  /** True when it was done. */
  readonly run: (work: () => Promise<void>, setFieldError: (field: string, text: string) => void) => Promise<boolean>;
}

/** `fields`: those that the form shows; without them all that a problem names. */
export function useSubmit(fields?: readonly string[]): Submit {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const run: Submit['run'] = async (work, setFieldError) => {
    setBusy(true);
    setError(undefined);
    try {
      await work();
      return true;
    } catch (caught) {
      const field = caught instanceof Problem ? caught.field : undefined;
      if (caught instanceof Problem && field !== undefined && (fields?.includes(field) ?? true)) {
        setFieldError(field, caught.text);
      } else setError(caught);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { isBusy, error, run };
}

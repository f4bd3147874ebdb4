// `environ:anything`: the environment variables of the process (DATABASE_README). The name after the colon counts for
// nothing, and keys are folded, so that only names in lower case are found. Postfix's programs keep no variable but
// those of import_environment; the composition root hands over those.

import { foldKey } from '../address/form.ts';
import { notFound, type Table } from './table.ts';

export function openEnvironTable(name: string, environment: Readonly<Record<string, string | undefined>>): Table {
  return {
    name: `environ:${name}`,
    kind: 'fixed',
    lookup: (key) => {
      const folded = foldKey(key);
      const value = Object.hasOwn(environment, folded) ? environment[folded] : undefined;
      return Promise.resolve(
        value === undefined ? notFound : { kind: 'found', value, source: `environment ${folded}` },
      );
    },
  };
}

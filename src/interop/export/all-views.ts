// Every view that stands among the directory's own tables. All are made by each export, whichever it is, so that what is
// there can be compared with one list; who may read which is a matter of the accounts.

import type { Dialect } from './dialect.ts';
import { dovecotViews } from './dovecot-views.ts';
import { postfixViews, type View } from './views.ts';

export function directoryViews(dialect: Dialect): View[] {
  return [...postfixViews(dialect), ...dovecotViews(dialect)];
}

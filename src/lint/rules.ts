// All rules of `lint`, in the order in which docs/lint.md lists them.

import type { Rule } from './rule.ts';
import { accessRules } from './rules/access.ts';
import { aliasRules } from './rules/aliases.ts';
import { classRules } from './rules/classes.ts';
import { filterRules } from './rules/filters.ts';
import { hereRules } from './rules/here.ts';
import { mailboxRules } from './rules/mailboxes.ts';
import { mainCfRules } from './rules/main-cf.ts';
import { masterCfRules } from './rules/master-cf.ts';
import { patternRules } from './rules/patterns.ts';
import { sqlRules } from './rules/sql.ts';
import { tableRules } from './rules/tables.ts';
import { tlsRules } from './rules/tls.ts';
import { transportRules } from './rules/transports.ts';

/** By family, under the heading that the family has in the documentation. */
export const ruleFamilies: readonly (readonly [heading: string, rules: readonly Rule[]])[] = [
  ['main.cf', mainCfRules],
  ['master.cf', masterCfRules],
  ['Domains and address classes', classRules],
  ['Aliases', aliasRules],
  ['Mailboxes', mailboxRules],
  ['Transports, BCC and luser_relay', transportRules],
  ['Access and relay control', accessRules],
  ['Content filters', filterRules],
  ['TLS', tlsRules],
  ['Tables', tableRules],
  ['Pattern tables', patternRules],
  ['SQL and LDAP', sqlRules],
  ['Running it here', hereRules],
];

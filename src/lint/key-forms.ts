// Which keys a table is asked with, by parameter (postfix manual pages virtual(5), canonical(5), transport(5), access(5),
// aliases(5)), and why another key can never be found.

import type { LintContext } from './context.ts';
import type { Row } from './rows.ts';
import type { TableUse } from './table-uses.ts';

/** Undefined where the key can match. */
export function keyProblem(context: LintContext, use: TableUse, row: Row): string | undefined {
  const { parameter } = use;
  const key = row.folded;
  if (/^\/.+\/[a-z]*$/.test(key) && !parameter.includes('access')) {
    return `looks like a pattern; ${use.type}: compares whole keys (pcre: and regexp: have patterns)`;
  }
  if (key.includes('<') && key !== '<>' && !parameter.startsWith('smtpd_'))
    return 'has angle brackets, which no key has';
  if (parameter === 'alias_maps' || parameter === 'alias_database') return aliasProblem(key);
  if (parameter === 'transport_maps') return transportProblem(context, key);
  if (isAddressTable(parameter)) return addressProblem(key, parameter);
  if (/_restrictions$|_access/.test(parameter)) return accessProblem(context, key);
  return undefined;
}

function isAddressTable(parameter: string): boolean {
  return /^(virtual_(alias|mailbox|uid|gid)_maps|(sender_|recipient_)?canonical_maps|relocated_maps|(sender|recipient)_bcc_maps|smtpd_sender_login_maps|(relay|local)_recipient_maps|sender_dependent_\w+_maps)$/.test(
    parameter,
  );
}

function addressProblem(key: string, parameter: string): string | undefined {
  if (key.startsWith('*@')) return `has a *, which means nothing here; the form is ${key.slice(1)}`;
  if (key.startsWith('*')) return 'has a *, which means nothing here';
  if (key.endsWith('@')) return 'ends in @; a bare user name is written without it';
  if (key.startsWith('.') && key.includes('.', 1)) return 'begins with a dot; no parent domains are asked for here';
  if (key.endsWith('.') && key.includes('@')) return 'ends in a dot, which addresses lose before they are looked up';
  // `domain anything` lists a domain in the aliases; in other tables of addresses it is nothing.
  const isBareDomain = !key.includes('@') && /^[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}$/.test(key);
  if (isBareDomain && /^virtual_(mailbox|uid|gid)_maps$/.test(parameter)) return `is a domain; the form is @${key}`;
  return undefined;
}

function transportProblem(context: LintContext, key: string): string | undefined {
  if (key === '*') return undefined;
  if (key.startsWith('*.')) return `has a *; the form for subdomains is ${key.slice(1)}`;
  if (key.startsWith('@')) return `begins with @; the form for a domain is ${key.slice(1)}`;
  if (key.endsWith('@')) return 'ends in @, which is no form of transport(5)';
  if (key.endsWith('.')) return 'ends in a dot, which domains lose before they are looked up';
  const parentsMatch = context.list('parent_domain_matches_subdomains').includes('transport_maps');
  if (key.startsWith('.') && parentsMatch) {
    return 'begins with a dot, and parent_domain_matches_subdomains lists transport_maps';
  }
  return undefined;
}

function accessProblem(context: LintContext, key: string): string | undefined {
  if (/^[0-9.]+\/\d+$/.test(key) || /^\[?[0-9a-f:]+\]?\/\d+$/.test(key)) {
    return 'is a network; whole keys are compared here, networks need a cidr: table';
  }
  if (key.startsWith('*')) return 'has a *, which means nothing here';
  if (key.startsWith('@')) return `begins with @; the form for a domain is ${key.slice(1)}`;
  const parentsMatch = context.list('parent_domain_matches_subdomains').includes('smtpd_access_maps');
  if (key.startsWith('.') && key.length > 1 && parentsMatch) {
    return `begins with a dot; subdomains match ${key.slice(1)} while parent_domain_matches_subdomains lists smtpd_access_maps`;
  }
  return undefined;
}

function aliasProblem(key: string): string | undefined {
  if (key.includes('@')) return 'has a domain; local(8) asks only for the part before the @';
  return key.startsWith('*') ? 'has a *, which means nothing here' : undefined;
}

// The values of a login's variables, and the login's own form: Dovecot lower-cases every name before it looks it up
// (auth_username_format = %Lu), and so the tables of other programs have it.

import type { Credentials } from '../types.ts';
import type { UserFields } from './types.ts';
import type { VariableValues } from './variables.ts';

/** user, `@` and domain at their longest. */
const maxLoginLength = 320;

/** Undefined for what is no name: nothing is asked for it. */
export function normalLogin(login: string): string | undefined {
  const isName = login !== '' && login.length <= maxLoginLength && !/[\u0000-\u001f\u007f]/.test(login);
  return isName ? login.toLowerCase() : undefined;
}

type Known = Pick<Credentials, 'login' | 'service' | 'remoteAddress'> & Partial<Credentials>;

/** `login` is the normal form; `fields` are what a backend has said so far. */
export function loginValues(login: string, known: Known, fields?: UserFields): VariableValues {
  return (name) => {
    const field = /^(passdb|userdb|ldap):(.*)$/s.exec(name);
    if (field !== null) return fields?.get(field[1] === 'userdb' ? `userdb_${field[2]}` : (field[2] ?? ''));
    const about = /^(orig_|auth_)?(user|username|domain)$/.exec(name);
    if (about !== null) return partOf(about[1] === undefined ? login : known.login, about[2] ?? '');
    switch (name.replace(/^real_(rip|lip)$/, '$1')) {
      case 'domain_first':
        return login.split('@')[1] ?? '';
      case 'domain_last':
        return login.includes('@') ? login.slice(login.lastIndexOf('@') + 1) : '';
      case 'service':
        return known.service;
      case 'rip':
        return known.remoteAddress;
      case 'lip':
        return known.localAddress ?? '';
      case 'mech':
        return known.mechanism ?? '';
      case 'secured':
        return known.isSecured === true ? 'secured' : '';
      case 'password':
        return known.password ?? '';
      case 'pid':
        return String(process.pid);
      default:
        return '';
    }
  };
}

/** The domain begins behind the first `@`, as Dovecot has it. */
function partOf(login: string, part: string): string {
  const at = login.indexOf('@');
  if (part === 'user') return login;
  if (part === 'username') return at === -1 ? login : login.slice(0, at);
  return at === -1 ? '' : login.slice(at + 1);
}

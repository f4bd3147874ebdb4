// posthaste_auth_backends: a list of places where passwords are checked, in the order in which they are asked.
//   directory, sql:/etc/dovecot/dovecot-sql.conf.ext, { passwd-file:/etc/users, scheme=PLAIN, result_failure=return-fail }
// Each is a type and a file; in braces attributes of Dovecot's passdb may follow. A mistake stops the start.

import type { Directory } from '../../directory/directory.ts';
import type { Clock } from '../../lib/clock.ts';
import type { ProgramLog } from '../../lib/log.ts';
import { splitList } from '../../lib/split-list.ts';
import type { Settings } from '../../settings/settings.ts';
import { SettingsError } from '../../settings/settings-error.ts';
import { type ServerLimits, type SqlServerContext, usualServerLimits } from '../../tables/sql/shared-pools.ts';
import { accountId } from '../dovecot-server/account-id.ts';
import { HashLimiter } from '../hash-limiter.ts';
import { verifyPassword } from '../password-scheme.ts';
import type { Authenticator } from '../types.ts';
import { VerifiedCache } from '../verified-cache.ts';
import { DirectoryAccounts } from '../directory-accounts.ts';
import { BackendChain, type BackendChainOptions, type ChainLink } from './backend-chain.ts';
import { DirectoryBackend, type FieldTemplates } from './directory-backend.ts';
import { openLdapBackend } from './ldap-backend-settings.ts';
import type { VerifyStored } from './pass-fields.ts';
import { PasswdFileBackend } from './passwd-file-backend.ts';
import { openSqlBackend } from './sql-settings.ts';
import type { PasswordBackend } from './types.ts';
import { parseUserFilter } from './user-filter.ts';
import { parseTemplate } from './variables.ts';

export interface BackendParts {
  readonly directory: Pick<Directory, 'lookups' | 'mailboxByAddress' | 'mailboxes' | 'credentials' | 'notes'>;
  /** Checks a password against the directory, without any delay. */
  readonly authenticator: Authenticator;
  readonly log: ProgramLog;
  readonly clock: Clock;
  readonly limits?: ServerLimits;
}

const parameter = 'posthaste_auth_backends';
const common = new Set(['deny', 'username_filter', 'result_failure', 'result_internalfail']);
const attributesOf: Readonly<Record<string, ReadonlySet<string>>> = {
  directory: common,
  sql: common,
  ldap: common,
  'passwd-file': new Set([...common, 'scheme', 'username_format']),
};

/** Hashes computed at a time for all backends but the directory, and logins that wait for one of them. */
const maxHashing = 4;
const maxWaiting = 256;

/** Throws SettingsError. */
export function openBackends(settings: Settings, parts: BackendParts): BackendChain {
  const { log, clock, limits = usualServerLimits } = parts;
  const fail = (text: string): never => {
    throw new SettingsError(`${parameter}: ${text}`, parameter, settings.origin(parameter));
  };
  const context: SqlServerContext = { log, clock, limits, pools: new Map() };
  const verifyFor = limitedVerify(clock);
  const open = (type: string, file: string, attributes: ReadonlyMap<string, string>): PasswordBackend => {
    const verify = verifyFor(`${type}:${file}`);
    if (type === 'directory') {
      const fields = readFieldTemplates(settings, 'posthaste_auth_userdb_fields');
      return new DirectoryBackend(parts.directory, parts.authenticator, fields);
    }
    if (type === 'sql') return openSqlBackend(file, context, verify);
    if (type === 'ldap') return openLdapBackend(file, log, verify);
    const scheme = attributes.get('scheme') ?? 'CRYPT';
    const usernameFormat = attributes.get('username_format') ?? '%u';
    return new PasswdFileBackend({ path: file, scheme: scheme.toUpperCase(), usernameFormat, verify });
  };
  const words = settings.list(parameter);
  const links = (words.length === 0 ? ['directory'] : words).map((word) => openLink(word, open, fail));
  const mailbox = async (address: string) => {
    await parts.directory.lookups.fresh();
    return parts.directory.mailboxByAddress(address);
  };
  const accounts = new DirectoryAccounts(parts.directory, clock);
  const admit: BackendChainOptions['admit'] = (known, credentials) => accounts.grantByOther(known, credentials);
  return new BackendChain({ links, mailbox, admit, log });
}

type OpenBackend = (type: string, file: string, attributes: ReadonlyMap<string, string>) => PasswordBackend;

function openLink(word: string, open: OpenBackend, fail: (text: string) => never): ChainLink {
  const isBraced = word.startsWith('{') && word.endsWith('}');
  const [place = '', ...rest] = isBraced ? splitList(word.slice(1, -1)) : [word];
  const colon = place.indexOf(':');
  const type = colon === -1 ? place : place.slice(0, colon);
  const file = colon === -1 ? '' : place.slice(colon + 1);
  const known = attributesOf[type];
  if (known === undefined) {
    return fail(`${place}: must be directory, sql:FILE, ldap:FILE or passwd-file:FILE`);
  }
  if ((type === 'directory') !== (file === ''))
    fail(`${place}: ${type === 'directory' ? 'takes no file' : 'needs a file'}`);
  if (file !== '' && !file.startsWith('/')) fail(`${place}: the file must be named from / on`);
  const attributes = new Map<string, string>();
  for (const attribute of rest) {
    const [name = '', value = ''] = attribute.split(/=(.*)/s, 2);
    if (!known.has(name)) fail(`${place}: there is no attribute ${name}`);
    // A list inside braces keeps them.
    attributes.set(name, /^\{(.*)\}$/s.exec(value)?.[1]?.trim() ?? value);
  }
  const choice = <T>(name: string, words: Readonly<Record<string, T>>, preset: T): T => {
    const value = attributes.get(name);
    if (value === undefined) return preset;
    return words[value] ?? fail(`${place}: ${name}=${value}: must be ${Object.keys(words).join(' or ')}`);
  };
  const results = { continue: 'continue', 'return-fail': 'return-fail' };
  return {
    backend: open(type, file, attributes),
    endsOnFailure: choice('result_failure', results, 'continue') === 'return-fail',
    endsOnTrouble: choice('result_internalfail', results, 'continue') === 'return-fail',
    isDenying: choice('deny', { yes: 'yes', no: 'no' }, 'no') === 'yes',
    filter: parseUserFilter(attributes.get('username_filter') ?? ''),
  };
}

/** One limit and one memory of right passwords for all: a login that comes every second costs no hash. */
function limitedVerify(clock: Clock): (backend: string) => VerifyStored {
  const limiter = new HashLimiter(maxHashing, maxWaiting);
  const verified = new VerifiedCache(clock);
  return (backend) => async (login, password, stored) => {
    const name = `${backend}\0${login}\0${stored}`;
    if (verified.has(0, name, password)) return true;
    const isRight = await limiter.run(login, () => verifyPassword(password, stored));
    if (isRight) verified.add(0, name, password);
    return isRight;
  };
}

/** `uid=vmail gid=vmail home=/home/vmail/%d/%n`. Throws SettingsError. */
export function readFieldTemplates(
  settings: Settings,
  name: 'posthaste_auth_userdb_fields' | 'posthaste_auth_login_fields',
): FieldTemplates {
  return new Map(
    settings.list(name).map((word) => {
      const [field = '', value] = word.split(/=(.*)/s, 2);
      if (field === '' || value === undefined) {
        throw new SettingsError(`${name}: ${word}: must be field=value`, name, settings.origin(name));
      }
      const isAccount = (field === 'uid' || field === 'gid') && !value.includes('%');
      const id = isAccount ? accountId(field === 'uid' ? 'passwd' : 'group', value) : undefined;
      if (isAccount && id === undefined) {
        throw new SettingsError(`${name}: ${word}: there is no such account`, name, settings.origin(name));
      }
      return [field, parseTemplate(id === undefined ? value : String(id), name)] as const;
    }),
  );
}

// `passwd-file:PATH`: users in a file (Dovecot's AuthDatabase.PasswdFile). PATH may have variables, as `/etc/auth/%d/passwd`,
// which gives each domain a file of its own; a file that is not there then means a domain without users.
// `scheme` is that of passwords without one (CRYPT), `username_format` what a login is in the file (`%u`).

import { TemporaryError } from '../../lib/temporary-error.ts';
import type { Credentials, LoginService } from '../types.ts';
import { loginValues, normalLogin } from './login-values.ts';
import { judge, readPassRow, type VerifyStored } from './pass-fields.ts';
import { type PasswdEntry, PasswdFile } from './passwd-file.ts';
import type { BackendAnswer, PasswordBackend, UserFields } from './types.ts';
import { expandTemplate, parseTemplate, type VariableTemplate, type VariableValues } from './variables.ts';

export interface PasswdFileOptions {
  readonly path: string;
  readonly scheme: string;
  readonly usernameFormat: string;
  readonly verify: VerifyStored;
}

/** Files that are kept read: a stranger's domains must not fill the memory. */
const maxFiles = 200;

export class PasswdFileBackend implements PasswordBackend {
  readonly name: string;
  readonly knowsUsers = false;
  readonly #path: VariableTemplate;
  readonly #format: VariableTemplate;
  readonly #scheme: string;
  readonly #verify: VerifyStored;
  readonly #files = new Map<string, PasswdFile>();

  /** Throws SettingsError. */
  constructor({ path, scheme, usernameFormat, verify }: PasswdFileOptions) {
    this.name = `passwd-file:${path}`;
    this.#path = parseTemplate(path, 'posthaste_auth_backends: passwd-file');
    this.#format = parseTemplate(usernameFormat, 'posthaste_auth_backends: passwd-file: username_format');
    this.#scheme = scheme;
    this.#verify = verify;
  }

  async check(credentials: Credentials): Promise<BackendAnswer> {
    const login = normalLogin(credentials.login);
    if (login === undefined) return { kind: 'unknown' };
    const values = loginValues(login, credentials);
    const entry = await this.#entry(values);
    if (entry === undefined) return { kind: 'unknown' };
    const extra = entry.extra.map((field) => splitField(this.#expand(field, values)));
    const columns = [['password', entry.password === '' ? null : entry.password] as const, ...extra];
    const row = readPassRow(login, columns, this.#scheme);
    return await judge(row, credentials, this.name, this.#verify);
  }

  async find(user: string, service: LoginService): Promise<UserFields | undefined> {
    const login = normalLogin(user);
    if (login === undefined) return undefined;
    const values = loginValues(login, { login: user, service, remoteAddress: '' });
    const entry = await this.#entry(values);
    if (entry === undefined) return undefined;
    const fields = new Map(entry.user);
    for (const field of entry.extra) {
      const [name, value] = splitField(this.#expand(field, values));
      if (name.startsWith('userdb_')) fields.set(name.slice('userdb_'.length), value);
    }
    return fields;
  }

  async names(): Promise<readonly string[] | undefined> {
    if (this.#path.placeholders.length > 0) return undefined;
    return [...((await this.#file(this.#path.source.replaceAll('%%', '%')).entries()) ?? this.#lost()).keys()];
  }

  close(): void {
    this.#files.clear();
  }

  async #entry(values: VariableValues): Promise<PasswdEntry | undefined> {
    let isName = true;
    const path = expandTemplate(this.#path, values, (value) => {
      // A name from the client must not lead to another folder.
      isName &&= value !== '' && !value.includes('/') && !/^\.+$/.test(value);
      return value;
    });
    if (!isName) return undefined;
    const entries = await this.#file(path).entries();
    if (entries === undefined && this.#path.placeholders.length > 0) this.#files.delete(path);
    else if (entries === undefined) this.#lost();
    return entries?.get(expandTemplate(this.#format, values));
  }

  /** The one file that all users are in: without it nobody can tell who they are. */
  #lost(): never {
    throw new TemporaryError(`${this.name}: there is no such file`);
  }

  #file(path: string): PasswdFile {
    const known = this.#files.get(path);
    this.#files.delete(path);
    const file = known ?? new PasswdFile(path);
    this.#files.set(path, file);
    if (this.#files.size > maxFiles) this.#files.delete(this.#files.keys().next().value ?? '');
    return file;
  }

  #expand(field: string, values: VariableValues): string {
    if (!field.includes('%')) return field;
    try {
      return expandTemplate(parseTemplate(field, this.name), values);
    } catch (error) {
      throw new TemporaryError((error as Error).message);
    }
  }
}

function splitField(field: string): readonly [string, string] {
  const equals = field.indexOf('=');
  return equals === -1 ? [field, ''] : [field.slice(0, equals), field.slice(equals + 1)];
}

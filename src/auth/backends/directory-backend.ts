// `directory`: the built-in directory as one place among others. Its own authenticator checks the password.

import type { Directory } from '../../directory/directory.ts';
import type { Authenticator, Credentials, LoginService } from '../types.ts';
import { loginValues, normalLogin } from './login-values.ts';
import type { BackendAnswer, PasswordBackend, UserFields } from './types.ts';
import { expandTemplate, type VariableTemplate } from './variables.ts';

/** What a userdb says of every mailbox, as `uid = vmail`. */
export type FieldTemplates = ReadonlyMap<string, VariableTemplate>;

const pageSize = 1000;

export class DirectoryBackend implements PasswordBackend {
  readonly name = 'directory';
  readonly knowsUsers = false;
  readonly #directory: Pick<Directory, 'lookups' | 'mailboxByAddress' | 'mailboxes'>;
  readonly #authenticator: Authenticator;
  readonly #fields: FieldTemplates;

  /** The authenticator must not delay its answers: other places may still be asked. */
  constructor(
    directory: Pick<Directory, 'lookups' | 'mailboxByAddress' | 'mailboxes'>,
    authenticator: Authenticator,
    fields: FieldTemplates,
  ) {
    this.#directory = directory;
    this.#authenticator = authenticator;
    this.#fields = fields;
  }

  async check(credentials: Credentials): Promise<BackendAnswer> {
    const result = await this.#authenticator.authenticate(credentials);
    if (result.kind === 'authenticated') {
      const { login, mailboxId } = result;
      return { kind: 'right', login, fields: new Map(), ...(mailboxId === undefined ? {} : { mailboxId }) };
    }
    if (result.reason === 'unknown user') return { kind: 'unknown' };
    if (result.reason === 'password mismatch') return { kind: 'wrong', reason: result.reason };
    const proven = result.proven === undefined ? {} : { proven: result.proven };
    return { kind: 'refused', reason: result.reason, ...proven };
  }

  async find(user: string, service: LoginService): Promise<UserFields | undefined> {
    const login = normalLogin(user);
    await this.#directory.lookups.fresh();
    const mailbox = login === undefined ? undefined : this.#directory.mailboxByAddress(login);
    if (mailbox === undefined || !mailbox.enabled) return undefined;
    const values = loginValues(mailbox.address, { login: user, service, remoteAddress: '' });
    const fields = new Map([['user', mailbox.address]]);
    for (const [name, template] of this.#fields) fields.set(name, expandTemplate(template, values));
    if (mailbox.quotaBytes > 0 && !fields.has('quota_rule')) fields.set('quota_rule', `*:bytes=${mailbox.quotaBytes}`);
    return fields;
  }

  async names(): Promise<readonly string[]> {
    const names: string[] = [];
    for (let after: string | undefined; ; ) {
      const page = await this.#directory.mailboxes.list({ limit: pageSize, ...(after === undefined ? {} : { after }) });
      for (const { address, enabled } of page) if (enabled) names.push(address);
      if (page.length < pageSize) return names;
      after = page.at(-1)?.address;
    }
  }

  close(): void {
    // The directory is its owner's.
  }
}

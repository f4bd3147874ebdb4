// One master of the auth protocol (Dovecot's Design.AuthProtocol, "Server <-> Master"; its auth-userdb socket): an LMTP
// server, delivery agent or doveadm that asks which accounts there are (USER, LIST) and where a login is handed on to
// (PASS), and an IMAP process that asks who has just logged in (REQUEST).

import type { Socket } from 'node:net';
import type { ProgramLog } from '../../lib/log.ts';
import { TemporaryError } from '../../lib/temporary-error.ts';
import { loginValues } from '../backends/login-values.ts';
import type { UserFields } from '../backends/types.ts';
import { expandTemplate, type VariableTemplate } from '../backends/variables.ts';
import { serviceNamed } from '../login-service.ts';
import type { LoginService } from '../types.ts';
import type { FinishedLogins } from './finished-logins.ts';
import { LineSocket } from './protocol-lines.ts';

/** What knows of accounts without a password. */
export interface AccountSource {
  /** Throws TemporaryError. */
  find(login: string, service: LoginService): Promise<UserFields | undefined>;
  /** Throws TemporaryError. */
  names(): Promise<readonly string[]>;
}

export interface AuthMasterParts {
  readonly accounts: AccountSource;
  readonly finished: FinishedLogins;
  readonly loginFields: ReadonlyMap<string, VariableTemplate>;
  readonly log: ProgramLog;
}

const maxQuestions = 1000;
const namesAtATime = 500;

export class AuthMasterConnection {
  readonly #parts: AuthMasterParts;
  readonly #lines: LineSocket;
  #hasVersion = false;
  #questions = 0;

  constructor(socket: Socket, parts: AuthMasterParts, onEnd: () => void) {
    this.#parts = parts;
    this.#lines = new LineSocket(
      socket,
      (words) => this.#take(words),
      (reason) => {
        if (reason !== '') parts.log.warning(`auth master: connection ended: ${reason}`);
        onEnd();
      },
    );
    this.#lines.send(['VERSION', '1', '1'], ['SPID', String(process.pid)]);
  }

  end(): void {
    this.#lines.end();
  }

  #take(words: readonly string[]): void {
    const [command = '', id = '', ...rest] = words;
    if (command === 'VERSION') {
      if (id !== '1') return this.#break(`speaks version ${id.slice(0, 10)} of the protocol`);
      this.#hasVersion = true;
      return undefined;
    }
    if (!this.#hasVersion) return this.#break('does not begin with VERSION');
    const ask = this.#questionOf(command, id, rest);
    if (ask === undefined || !/^\d{1,10}$/.test(id)) return this.#break(`says ${command.slice(0, 20)}`);
    if (this.#questions >= maxQuestions) return this.#lines.send(failed(id, 'too many questions at once'));
    this.#questions++;
    void this.#answer(id, ask);
    return undefined;
  }

  #questionOf(command: string, id: string, rest: readonly string[]): (() => Promise<readonly string[]>) | undefined {
    const service = rest.find((word) => word.startsWith('service='))?.slice('service='.length) ?? '';
    switch (command) {
      case 'USER':
        return () => this.#user(id, rest[0] ?? '', serviceNamed(service));
      case 'PASS':
        return () => this.#pass(id, rest[0] ?? '', serviceNamed(service));
      case 'LIST':
        return () => this.#list(id);
      case 'REQUEST':
        return () => this.#request(id, rest);
      // Nothing is kept that could be out of date.
      case 'CACHE-FLUSH':
        return async () => ['OK', id, '0'];
      default:
        return undefined;
    }
  }

  async #answer(id: string, ask: () => Promise<readonly string[]>): Promise<void> {
    let line: readonly string[];
    try {
      line = await ask();
    } catch (error) {
      const text = (error as Error).message;
      if (!(error instanceof TemporaryError)) this.#parts.log.error(`auth master: ${String(error)}`);
      else this.#parts.log.warning(`auth master: ${text}`);
      line = failed(id, '');
    }
    this.#questions--;
    this.#lines.send(line);
  }

  async #user(id: string, login: string, service: LoginService): Promise<readonly string[]> {
    const fields = await this.#parts.accounts.find(login, service);
    if (fields === undefined) return ['NOTFOUND', id];
    return ['USER', id, fields.get('user') ?? login, ...words(fields)];
  }

  async #pass(id: string, login: string, service: LoginService): Promise<readonly string[]> {
    const fields = await this.#parts.accounts.find(login, service);
    if (fields === undefined) return ['NOTFOUND', id];
    const user = fields.get('user') ?? login;
    const values = loginValues(user, { login, service, remoteAddress: '' });
    const told = [...this.#parts.loginFields].map(([name, template]) => `${name}=${expandTemplate(template, values)}`);
    return ['PASS', id, `user=${user}`, ...told];
  }

  /** `id, client pid, client id, cookie` of a login that has just succeeded. */
  async #request(id: string, [pid = '', authId = '', cookie = '']: readonly string[]): Promise<readonly string[]> {
    const login = this.#parts.finished.take(cookie, pid, authId);
    if (login === undefined) return failed(id, 'there is no such login');
    return await this.#user(id, login.login, login.service);
  }

  async #list(id: string): Promise<readonly string[]> {
    const names = await this.#parts.accounts.names();
    for (let at = 0; at < names.length; at += namesAtATime) {
      this.#lines.send(...names.slice(at, at + namesAtATime).map((name) => ['LIST', id, name]));
    }
    return ['DONE', id, ''];
  }

  #break(reason: string): void {
    this.#parts.log.warning(`auth master: connection ended: it ${reason}`);
    this.#lines.end();
  }
}

function words(fields: UserFields): string[] {
  const told = [...fields].filter(([name]) => name !== 'user');
  return told.map(([name, value]) => (value === '' ? name : `${name}=${value}`));
}

function failed(id: string, reason: string): readonly string[] {
  return reason === '' ? ['FAIL', id] : ['FAIL', id, `reason=${reason}`];
}

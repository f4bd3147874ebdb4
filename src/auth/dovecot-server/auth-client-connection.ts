// One client of the auth protocol (Dovecot's Design.AuthProtocol, "Client <-> Server"): a Postfix or Exim that asks about
// logins, or a login process of Dovecot's. We greet with our mechanisms; it names itself (VERSION, CPID) and then runs
// any number of exchanges at once, each under a number of its own. What breaks the protocol ends the connection,
// and with it its exchanges; the answers of checks that are still running are dropped.
//
// NOTE: Postfix (3.7 at least) takes a temporary FAIL for a wrong password and tells its client 535; the end of the
// connection is what it answers with 454. So it is what a mail server hears in place of a temporary FAIL, where no
// other exchange is under way on its connection (Postfix never has two). It connects again for the next login.

import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { ProgramLog } from '../../lib/log.ts';
import type { ProvenDenial } from '../types.ts';
import { TemporaryError } from '../../lib/temporary-error.ts';
import { loginValues } from '../backends/login-values.ts';
import { expandTemplate, type VariableTemplate } from '../backends/variables.ts';
import { serviceNamed } from '../login-service.ts';
import { toBytes } from '../encoding.ts';
import { decodeLogin, decodePlain } from '../sasl.ts';
import type { SaslMechanism, SaslServer, SaslStep } from '../sasl-server.ts';
import type { FinishedLogins } from './finished-logins.ts';
import { LineSocket } from './protocol-lines.ts';

export interface AuthClientParts {
  readonly sasl: SaslServer;
  readonly finished: FinishedLogins;
  /** Told with each login but SMTP's: `proxy`, `host` ... */
  readonly loginFields: ReadonlyMap<string, VariableTemplate>;
  readonly log: ProgramLog;
}

interface Exchange {
  readonly mechanism: string;
  readonly service: string;
  readonly clientAddress: string;
  /** `nologin`: a mail server, that itself needs no more than the outcome. */
  readonly isMailServer: boolean;
  /** The client need not wait for ever for who wants to log in. */
  timer: NodeJS.Timeout | undefined;
  /** Waits for the client's answer. */
  step: Extract<SaslStep, { readonly kind: 'challenge' }> | undefined;
  lastResponse: string;
}

const handshakeMilliseconds = 30_000;
/** Postfix waits ten seconds for an answer, and then takes the connection for lost. */
const answerMilliseconds = 9000;
/** How long a client's user may think. */
const challengeMilliseconds = 300_000;
const maxExchanges = 1000;
const maxLoggedLength = 100;

export class AuthClientConnection {
  readonly #parts: AuthClientParts;
  readonly #lines: LineSocket;
  readonly #cookie = randomBytes(16).toString('hex');
  readonly #exchanges = new Map<string, Exchange>();
  readonly #handshake: NodeJS.Timeout;
  #clientPid: string | undefined;
  #hasVersion = false;

  constructor(socket: Socket, connectionId: number, parts: AuthClientParts, onEnd: () => void) {
    this.#parts = parts;
    this.#handshake = setTimeout(() => this.#break('says nothing'), handshakeMilliseconds);
    this.#lines = new LineSocket(
      socket,
      (words) => this.#take(words),
      (reason) => {
        if (reason !== '') parts.log.warning(`auth client: connection ended: ${reason}`);
        this.#forgetAll();
        onEnd();
      },
    );
    void this.#greet(connectionId);
  }

  async #greet(connectionId: number): Promise<void> {
    let mechanisms: readonly SaslMechanism[];
    try {
      // The other program has the TLS connection that -PLUS would be bound to, and the protocol has no word for it.
      mechanisms = (await this.#parts.sasl.mechanisms()).filter(({ name }) => !name.endsWith('-PLUS'));
    } catch (error) {
      if (!(error instanceof TemporaryError)) throw error;
      return this.#break(error.message);
    }
    this.#lines.send(
      ['VERSION', '1', '2'],
      ...mechanisms.map(({ name, properties }) => ['MECH', name, ...properties]),
      ['SPID', String(process.pid)],
      ['CUID', String(connectionId)],
      ['COOKIE', this.#cookie],
      ['DONE'],
    );
    return undefined;
  }

  #take(words: readonly string[]): void {
    const [command = '', first = ''] = words;
    if (command === 'VERSION') {
      if (first !== '1') return this.#break(`speaks version ${first.slice(0, 10)} of the protocol`);
      this.#hasVersion = true;
      return undefined;
    }
    if (command === 'CPID' && this.#hasVersion && this.#clientPid === undefined && /^\d{1,10}$/.test(first)) {
      this.#clientPid = first;
      clearTimeout(this.#handshake);
      return undefined;
    }
    if (this.#clientPid === undefined) return this.#break('does not begin with VERSION and CPID');
    if (!/^\d{1,10}$/.test(first)) return this.#break(`says ${command.slice(0, 20)} without a number`);
    switch (command) {
      case 'AUTH':
        return this.#begin(first, words.slice(2));
      case 'CONT':
        return this.#continue(first, words[2] ?? '');
      case 'CANCEL':
        return this.#forget(first);
      default:
        return this.#break(`says ${command.slice(0, 20)}`);
    }
  }

  #begin(id: string, [mechanism = '', ...parameters]: readonly string[]): void {
    if (this.#exchanges.has(id)) return this.#break('uses a number twice');
    if (this.#exchanges.size >= maxExchanges) {
      this.#parts.log.warning(`auth client: more than ${maxExchanges} logins at once`);
      this.#lines.send(failure(id, undefined, true));
      return undefined;
    }
    // `resp` is the last: what seems to follow it is part of what somebody has typed.
    const end = parameters.findIndex((word) => word.startsWith('resp='));
    const initialResponse = end === -1 ? undefined : (parameters[end] ?? '').slice(5);
    const known = end === -1 ? parameters : parameters.slice(0, end);
    const valueOf = (name: string): string =>
      known.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
    const exchange: Exchange = {
      mechanism: mechanism.toUpperCase(),
      service: valueOf('service'),
      clientAddress: valueOf('rip'),
      isMailServer: known.includes('nologin'),
      timer: undefined,
      step: undefined,
      lastResponse: initialResponse ?? '',
    };
    this.#exchanges.set(id, exchange);
    const request = {
      mechanism,
      protocol: serviceNamed(exchange.service),
      service: exchange.service,
      serverAddress: valueOf('lip'),
      clientAddress: exchange.clientAddress,
      isSecured: known.includes('secured') || known.some((word) => word.startsWith('secured=')),
      ...(initialResponse === undefined ? {} : { initialResponse }),
    };
    void this.#run(id, exchange, () => this.#parts.sasl.begin(request));
    return undefined;
  }

  #continue(id: string, response: string): void {
    const exchange = this.#exchanges.get(id);
    const step = exchange?.step;
    // It has ended meanwhile: the client hears that, or has heard it.
    if (exchange === undefined || step === undefined) return;
    exchange.step = undefined;
    exchange.lastResponse = response;
    clearTimeout(exchange.timer);
    void this.#run(id, exchange, () => step.answer(response));
  }

  async #run(id: string, exchange: Exchange, ask: () => Promise<SaslStep>): Promise<void> {
    exchange.timer = setTimeout(() => this.#cannotTell(id, exchange, undefined), answerMilliseconds);
    let step: SaslStep;
    try {
      step = await ask();
    } catch (error) {
      // Also what nobody has foreseen is no wrong password.
      if (!(error instanceof TemporaryError)) this.#parts.log.error(`auth client: ${String(error)}`);
      return this.#cannotTell(id, exchange, undefined);
    }
    if (this.#exchanges.get(id) !== exchange) return undefined;
    if (step.kind === 'challenge') return this.#challenge(id, exchange, step);
    if (step.kind === 'denied') {
      this.#parts.log.info(
        `auth client: ${exchange.service} login of <${(step.login ?? '').slice(0, maxLoggedLength)}> from ${exchange.clientAddress || 'local'} denied: ${step.reason}`,
      );
      if (step.isTemporary) return this.#cannotTell(id, exchange, step.login);
      return this.#finish(id, exchange, failure(id, step.login, false, step.proven));
    }
    const login = { login: step.login, service: serviceNamed(exchange.service) };
    this.#parts.finished.add(this.#cookie, this.#clientPid ?? '', id, login);
    return this.#finish(id, exchange, ['OK', id, `user=${step.login}`, ...this.#fields(exchange, step.login)]);
  }

  #challenge(id: string, exchange: Exchange, step: Extract<SaslStep, { readonly kind: 'challenge' }>): void {
    clearTimeout(exchange.timer);
    exchange.step = step;
    exchange.timer = setTimeout(() => {
      step.cancel();
      this.#finish(id, exchange, failure(id, undefined, false));
    }, challengeMilliseconds);
    exchange.timer.unref();
    this.#lines.send(['CONT', id, step.challenge]);
  }

  /** A proxy logs in at the other server with what its own client has sent. */
  #fields({ service, mechanism, lastResponse, clientAddress }: Exchange, login: string): string[] {
    const { loginFields } = this.#parts;
    const named = serviceNamed(service);
    if (named === 'smtp' || named === 'other') return [];
    const values = loginValues(login, { login, service: named, remoteAddress: clientAddress });
    const fields = [...loginFields].map(([name, template]) => `${name}=${expandTemplate(template, values)}`);
    if (!loginFields.has('proxy') && !loginFields.has('proxy_maybe')) return fields;
    // Without `nologin` the login process hands the user to its own IMAP server.
    if (!loginFields.has('nologin')) fields.push('nologin');
    const sent = toBytes(lastResponse, 'base64') ?? Buffer.alloc(0);
    const password = mechanism === 'PLAIN' ? decodePlain(sent)?.password : decodeLogin(sent);
    return loginFields.has('pass') || password === undefined ? fields : [...fields, `pass=${password}`];
  }

  #cannotTell(id: string, exchange: Exchange, login: string | undefined): void {
    if (this.#exchanges.get(id) !== exchange) return;
    if (exchange.isMailServer && this.#exchanges.size === 1) this.#lines.end();
    else this.#finish(id, exchange, failure(id, login, true));
  }

  #finish(id: string, exchange: Exchange, line: readonly string[]): void {
    if (this.#exchanges.get(id) !== exchange) return;
    this.#forget(id);
    this.#lines.send(line);
  }

  #forget(id: string): void {
    const exchange = this.#exchanges.get(id);
    clearTimeout(exchange?.timer);
    exchange?.step?.cancel();
    this.#exchanges.delete(id);
  }

  #forgetAll(): void {
    clearTimeout(this.#handshake);
    for (const id of this.#exchanges.keys()) this.#forget(id);
  }

  #break(reason: string): void {
    this.#parts.log.warning(`auth client: connection ended: it ${reason}`);
    this.#lines.end();
  }

  end(): void {
    this.#lines.end();
  }
}

/** `temp` is for Dovecot before 2.3. What was wrong stays in the log, but for whoever has the right password. */
function failure(
  id: string,
  login: string | undefined,
  isTemporary: boolean,
  proven?: ProvenDenial,
): readonly string[] {
  const who = login === undefined ? [] : [`user=${login}`];
  const code = proven?.mustChange === undefined ? [] : ['code=pass_expired'];
  const why = proven === undefined ? [] : [...code, `reason=${proven.told}`];
  return ['FAIL', id, ...who, ...(isTemporary ? ['temp', 'code=temp_fail'] : why)];
}

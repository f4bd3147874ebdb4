// PLAIN (RFC 4616) and LOGIN over whoever checks passwords, as the Dovecot auth protocol offers them to other programs.

import type { SaslMechanism, SaslRequest, SaslStep } from './dovecot-auth.ts';
import { decodeLogin, decodePlain, loginPasswordPrompt, loginUsernamePrompt } from './sasl.ts';
import type { SaslServer } from './sasl-server.ts';
import type { Authenticator, LoginService } from './types.ts';

const offered: readonly SaslMechanism[] = ['PLAIN', 'LOGIN'].map((name) => ({
  name,
  properties: new Set(['plaintext']),
}));

const services: Readonly<Record<string, LoginService>> = {
  smtp: 'smtp',
  submission: 'smtp',
  imap: 'imap',
  pop3: 'pop3',
  sieve: 'sieve',
  managesieve: 'sieve',
};

export function serviceNamed(name: string): LoginService {
  return services[name.toLowerCase()] ?? 'other';
}

export class PasswordSasl implements SaslServer {
  readonly #authenticator: Authenticator;

  constructor(authenticator: Authenticator) {
    this.#authenticator = authenticator;
  }

  mechanisms(): readonly SaslMechanism[] {
    return offered;
  }

  async begin(request: SaslRequest): Promise<SaslStep> {
    const { mechanism, initialResponse } = request;
    switch (mechanism.toUpperCase()) {
      case 'PLAIN': {
        const plain = (response: string) => this.#plain(request, response);
        return initialResponse === undefined ? challenge('', plain) : await plain(initialResponse);
      }
      case 'LOGIN': {
        const name = (response: string) => this.#loginName(request, response);
        return initialResponse ? await name(initialResponse) : challenge(loginUsernamePrompt, name);
      }
      default:
        return denied('unsupported mechanism', undefined);
    }
  }

  async #plain(request: SaslRequest, response: string): Promise<SaslStep> {
    const words = decodePlain(response);
    if (words === undefined) return denied('invalid response', undefined);
    const { authzid, login, password } = words;
    if (authzid !== '' && authzid.toLowerCase() !== login.toLowerCase()) {
      return denied('authorization identity differs from the login', login);
    }
    return await this.#check(request, login, password);
  }

  async #loginName(request: SaslRequest, response: string): Promise<SaslStep> {
    const login = decodeLogin(response);
    if (login === undefined) return denied('invalid response', undefined);
    return challenge(loginPasswordPrompt, async (answer) => {
      const password = decodeLogin(answer);
      return password === undefined ? denied('invalid response', login) : await this.#check(request, login, password);
    });
  }

  async #check(request: SaslRequest, login: string, password: string): Promise<SaslStep> {
    const { mechanism, service, clientAddress, serverAddress, isSecured } = request;
    const result = await this.#authenticator.authenticate({
      login,
      password,
      service: serviceNamed(service),
      remoteAddress: clientAddress,
      localAddress: serverAddress,
      mechanism: mechanism.toUpperCase(),
      isSecured,
    });
    return result.kind === 'authenticated'
      ? { kind: 'authenticated', login: result.login }
      : denied(result.reason, login);
  }
}

function challenge(text: string, answer: (response: string) => Promise<SaslStep>): SaslStep {
  return { kind: 'challenge', challenge: text, answer, cancel: () => undefined };
}

function denied(reason: string, login: string | undefined): SaslStep {
  return { kind: 'denied', reason, login, isTemporary: false };
}

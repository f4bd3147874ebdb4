// An SMTP or LMTP server with STARTTLS (or TLS from the first octet) and AUTH that does what a test tells it to, and
// remembers what it was told.

import { createHmac } from 'node:crypto';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';

export interface TlsServerOptions {
  /** Absent: no TLS. */
  readonly context?: SecureContext | undefined;
  readonly isWrapped?: boolean;
  /** The reply to STARTTLS; absent: TLS begins. */
  readonly refusal?: string;
  /** STARTTLS is answered with 220, and what follows is no TLS. */
  readonly isBroken?: boolean;
  /** Goes away after the handshake. */
  readonly endsAfterHandshake?: boolean;
  readonly requestsCertificate?: boolean;
  /** What stands behind AUTH; absent: no AUTH. */
  readonly mechanisms?: string;
  /** AUTH only under TLS. */
  readonly authNeedsTls?: boolean;
  /** The reply to a login that is wrong. */
  readonly authRefusal?: string;
  readonly greeting?: string;
}

/** The only right one. */
export const login = { login: 'joe', password: 'pass, word' } as const;

export class TlsServer {
  readonly seen: string[] = [];
  readonly #options: TlsServerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Of the last connection. */
  secure: TLSSocket | undefined;
  resumed = 0;

  constructor(options: TlsServerOptions) {
    this.#options = options;
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      if (options.isWrapped) this.#startTls(socket, true);
      else this.#greet(socket, false);
    });
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #greet(socket: Socket, isSecure: boolean): void {
    socket.write(`${this.#options.greeting ?? '220 mx.example ESMTP'}\r\n`);
    this.#serve(socket, isSecure);
  }

  #startTls(socket: Socket, isFirst: boolean): void {
    const secure = new TLSSocket(socket, {
      isServer: true,
      secureContext: this.#options.context,
      requestCert: this.#options.requestsCertificate ?? false,
      rejectUnauthorized: false,
    });
    secure.on('error', () => undefined);
    secure.on('secure', () => {
      this.secure = secure;
      if (secure.isSessionReused()) this.resumed++;
      if (this.#options.endsAfterHandshake) secure.destroy();
      else if (isFirst) this.#greet(secure, true);
      else this.#serve(secure, true);
    });
  }

  #serve(socket: Socket, isSecure: boolean): void {
    let isData = false;
    let rest = '';
    let answer: ((line: string) => string | undefined) | undefined;
    const onData = (chunk: Buffer) => {
      rest += chunk.toString();
      for (let end = rest.indexOf('\r\n'); end >= 0; end = rest.indexOf('\r\n')) {
        const line = rest.slice(0, end);
        rest = rest.slice(end + 2);
        if (isData && line !== '.') continue;
        isData = line === 'DATA';
        this.seen.push(`${isSecure ? 'tls ' : ''}${line}`);
        if (line === 'STARTTLS' && this.#options.refusal === undefined) {
          socket.off('data', onData);
          socket.write('220 go\r\n');
          if (this.#options.isBroken) socket.once('data', () => socket.end('nonsense'));
          else this.#startTls(socket, false);
          return;
        }
        if (line.startsWith('AUTH ')) answer = this.#authenticator(line.slice(5));
        const reply = answer ? (answer(line) ?? '334 ') : this.#reply(line, isSecure, isData);
        if (!reply.startsWith('3')) answer = undefined;
        socket.write(`${reply}\r\n`);
        if (line === 'QUIT') socket.end();
      }
    };
    socket.on('data', onData);
  }

  #reply(line: string, isSecure: boolean, isData: boolean): string {
    const { context, refusal, mechanisms, authNeedsTls } = this.#options;
    if (/^(EHLO|LHLO)/.test(line)) {
      const features = ['mx.example'];
      if (context && !isSecure) features.push('STARTTLS');
      if (mechanisms !== undefined && (isSecure || !authNeedsTls)) features.push(`AUTH ${mechanisms}`.trim());
      return features.map((text, index) => `250${index === features.length - 1 ? ' ' : '-'}${text}`).join('\r\n');
    }
    if (line === 'STARTTLS') return refusal ?? '';
    return isData ? '354 go' : '250 2.0.0 Ok';
  }

  /** One AUTH dialogue: each line of the client gives the next reply. */
  #authenticator(command: string): (line: string) => string | undefined {
    const [mechanism = '', initial] = command.split(' ');
    const wrong = this.#options.authRefusal ?? '535 5.7.8 Error: authentication failed';
    const verdict = (isRight: boolean): string => (isRight ? '235 2.7.0 Authentication successful' : wrong);
    const challenge = '<17.42@mx.example>';
    const answers: string[] = [];
    const encode = (text: string) => `334 ${Buffer.from(text).toString('base64')}`;
    return (line) => {
      const text = line.startsWith('AUTH ') ? initial : line;
      if (text !== undefined) answers.push(Buffer.from(text, 'base64').toString());
      switch (mechanism) {
        case 'PLAIN':
          return answers.length === 0 ? '334 ' : verdict(answers[0] === `\0${login.login}\0${login.password}`);
        case 'LOGIN':
          if (answers.length < 2) return encode(answers.length === 0 ? 'Username:' : 'Password:');
          return verdict(answers.join() === `${login.login},${login.password}`);
        case 'CRAM-MD5':
          if (answers.length === 0) return encode(challenge);
          return verdict(
            answers[0] === `${login.login} ${createHmac('md5', login.password).update(challenge).digest('hex')}`,
          );
        case 'XOAUTH2':
          if (answers[0] === `user=${login.login}\x01auth=Bearer ${login.password}\x01\x01`) return verdict(true);
          return answers.length < 2 ? encode('{"status":"401"}') : verdict(false);
        default:
          return '504 5.5.4 unknown mechanism';
      }
    };
  }
}

// A policy server (SMTPD_POLICY_README) that answers by what it is asked, so that two servers that ask the same are told
// the same, and that remembers what it was asked.

import { createServer, type AddressInfo, type Server } from 'node:net';

const answers = [
  'DUNNO',
  'DUNNO',
  'OK',
  'REJECT',
  '450 4.7.1 wait',
  'DEFER_IF_PERMIT hm',
  'PREPEND X-Policy: y',
  'WARN policy',
];
/** Differ between two servers, or from one connection to the next. */
const incomparable = new Set([
  'instance',
  'queue_id',
  'client_port',
  'server_port',
  'encryption_cipher',
  'encryption_keysize',
]);

export class PolicyServer {
  readonly #server: Server;
  readonly asked: string[] = [];

  static async start(): Promise<PolicyServer> {
    const policy = new PolicyServer();
    await new Promise<void>((resolve) => policy.#server.listen(0, '127.0.0.1', resolve));
    return policy;
  }

  private constructor() {
    this.#server = createServer((socket) => {
      let rest = '';
      socket.on('error', () => socket.destroy());
      socket.on('data', (chunk) => {
        rest += chunk.toString('utf8');
        for (let end = rest.indexOf('\n\n'); end !== -1; end = rest.indexOf('\n\n')) {
          socket.write(`action=${this.#answer(rest.slice(0, end))}\n\n`);
          rest = rest.slice(end + 2);
        }
      });
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #answer(request: string): string {
    const lines = request.split('\n').filter((line) => !incomparable.has(line.split('=', 1)[0] ?? ''));
    this.asked.push(lines.join(' '));
    const text = lines.filter((line) => /^(?:protocol_state|sender|recipient|client_name)=/.test(line)).join();
    let sum = 0;
    for (const octet of Buffer.from(text)) sum = (sum * 31 + octet) % 65_521;
    return answers[sum % answers.length] ?? 'DUNNO';
  }

  close(): void {
    this.#server.close();
  }
}

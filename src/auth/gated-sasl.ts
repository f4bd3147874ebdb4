// Logins that another program judges, behind the same gate as our own: its verdict is what an attempt comes to, and a
// gate that refuses the account or the client has the last word.

import { type LoginGate, passGate } from './login-gate.ts';
import { lockedOut } from './mechanisms/exchange.ts';
import type { SaslMechanism, SaslRequest, SaslServer, SaslStep } from './sasl-server.ts';

export class GatedSasl implements SaslServer {
  readonly #gate: LoginGate;
  readonly #behind: SaslServer;

  constructor(gate: LoginGate, behind: SaslServer) {
    this.#gate = gate;
    this.#behind = behind;
  }

  mechanisms(): readonly SaslMechanism[] | Promise<readonly SaslMechanism[]> {
    return this.#behind.mechanisms();
  }

  async begin(request: SaslRequest): Promise<SaslStep> {
    return await this.#judge(request, await this.#behind.begin(request));
  }

  async #judge(request: SaslRequest, step: SaslStep): Promise<SaslStep> {
    if (step.kind === 'challenge') {
      return { ...step, answer: async (response) => await this.#judge(request, await step.answer(response)) };
    }
    // Nobody has found out anything about the secret.
    if (step.kind === 'denied' && step.isTemporary) return step;
    const { mechanism, clientAddress: address, protocol } = request;
    const account = step.login ?? '';
    const result = await passGate(this.#gate, { account, address, protocol, mechanism }, async () => step);
    if (result.kind === 'authenticated' || step.kind === 'denied') return step;
    return lockedOut(result.reason, account);
  }
}

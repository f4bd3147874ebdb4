// error(8) and retry(8): bounce or put off everything; the next hop is the reason, which may begin with its own
// enhanced status code. And discard(8): takes everything and keeps nothing.

import type {
  DeliveryAgent,
  DeliveryReport,
  DeliveryRequest,
  RecipientOutcome,
  RecipientProbe,
} from '../queue/delivery-agent.ts';

export class ErrorAgent implements DeliveryAgent {
  readonly #kind: 'bounced' | 'deferred';

  constructor(kind: 'bounced' | 'deferred') {
    this.#kind = kind;
  }

  readonly probe: RecipientProbe = {
    asksOthers: false,
    ask: async ({ nexthop }) => ({ outcomes: [this.#outcome(nexthop)] }),
  };

  async deliver({ nexthop, recipients }: DeliveryRequest): Promise<DeliveryReport> {
    const outcome = this.#outcome(nexthop);
    return { outcomes: recipients.map(() => outcome) };
  }

  #outcome(nexthop: string): RecipientOutcome {
    const group = this.#kind === 'bounced' ? '5' : '4';
    const [, code, text = ''] = /^(?:[245](\.\d{1,3}\.\d{1,3})(?:\s+|$))?(.*)$/s.exec(nexthop) ?? [];
    return {
      kind: this.#kind,
      status: `${group}${code ?? '.0.0'}`,
      reason: text === '' ? 'Address is undeliverable' : text,
      relay: 'none',
    };
  }
}

export class DiscardAgent implements DeliveryAgent {
  async deliver({ nexthop, recipients }: DeliveryRequest): Promise<DeliveryReport> {
    const done = { kind: 'delivered', status: '2.0.0', reason: nexthop, relay: 'none' } as const;
    const outcome: RecipientOutcome = { ...done, discarded: true };
    return { outcomes: recipients.map(() => outcome) };
  }
}

/** A service whose command this program cannot run: mail waits for an administrator, it is not lost. */
export class UnsupportedAgent implements DeliveryAgent {
  readonly #reason: string;

  constructor(reason: string) {
    this.#reason = reason;
  }

  readonly probe: RecipientProbe = { asksOthers: false, ask: async () => ({ outcomes: [this.#outcome] }) };

  async deliver({ recipients }: DeliveryRequest): Promise<DeliveryReport> {
    return { outcomes: recipients.map(() => this.#outcome) };
  }

  get #outcome(): RecipientOutcome {
    return { kind: 'deferred', status: '4.3.5', reason: this.#reason, relay: 'none' };
  }
}
